"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from apps.accounts.api.views import clocks, me, members, organizations, plans, staff

organization_routes: list[URLPattern | URLResolver] = [
    path("plan", plans.OrganizationPlanView.as_view(), name="organization-plan"),
    path("clock", clocks.ClockView.as_view(), name="organization-clock"),
    path("audit-events", organizations.AuditEventsView.as_view(), name="audit-events"),
    path("workspaces", organizations.WorkspacesView.as_view(), name="workspaces"),
    path("workspaces/<str:workspace_id>", organizations.WorkspaceView.as_view(), name="workspace"),
    path("members", members.MembersView.as_view(), name="members"),
    path("members/<str:member_id>", members.MemberView.as_view(), name="member"),
    path("invitations", members.InvitationsView.as_view(), name="invitations"),
    path("invitations/<str:invitation_id>", members.InvitationView.as_view(), name="invitation"),
    path("service-tokens", members.ServiceTokensView.as_view(), name="service-tokens"),
    path("service-tokens/<str:token_id>", members.ServiceTokenView.as_view(), name="service-token"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/whoami", me.WhoamiView.as_view(), name="whoami"),
    path("me", me.MeView.as_view(), name="me"),
    path("me/organizations", me.OwnOrganizationsView.as_view(), name="own-organizations"),
    path("me/invitations", me.OwnInvitationsView.as_view(), name="own-invitations"),
    path(
        "me/invitations/<str:invitation_id>/accept",
        me.AcceptInvitationView.as_view(),
        name="accept-invitation",
    ),
    path("organizations", organizations.OrganizationsView.as_view(), name="organizations"),
    path(
        "organizations/<str:organization_id>",
        organizations.OrganizationView.as_view(),
        name="organization",
    ),
    path("organizations/<str:organization_id>/", include(organization_routes)),
    path("platform-plans", plans.PlatformPlansView.as_view(), name="platform-plans"),
    path(
        "admin/organizations/<str:organization_id>/plan",
        plans.GivenPlanView.as_view(),
        name="admin-organization-plan",
    ),
    path("admin/users", staff.UsersView.as_view(), name="admin-users"),
    path(
        "admin/users/<str:user_id>/deactivate",
        staff.DeactivateUserView.as_view(),
        name="deactivate-user",
    ),
    path(
        "admin/users/<str:user_id>/reactivate",
        staff.ReactivateUserView.as_view(),
        name="reactivate-user",
    ),
]
