"""Portal routes of this app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.accounts.views import (
    account,
    audit,
    invitations,
    members,
    organization,
    plan,
    tokens,
    workspaces,
)

app_name = "accounts"
urlpatterns: list[URLPattern | URLResolver] = [
    path("invitations/<str:secret>/", invitations.invitation, name="invitation"),
    path(
        "console/invitations/<str:invitation_id>/accept/",
        invitations.accept_own_invitation,
        name="accept_own_invitation",
    ),
    path("console/account/", account.account, name="account"),
    path("console/plan/", plan.plan, name="plan"),
    path("console/organization/", organization.organization, name="organization"),
    path("console/organization/new/", organization.create_organization, name="create_organization"),
    path("console/organization/clock/", organization.advance_clock, name="advance_clock"),
    path("console/organization/clock/live/", organization.clock_live, name="clock_live"),
    path("console/organization/members/", members.members, name="members"),
    path("console/organization/members/invite/", members.invite, name="invite"),
    path(
        "console/organization/members/<str:member_id>/role/",
        members.change_role,
        name="change_role",
    ),
    path(
        "console/organization/members/<str:member_id>/remove/",
        members.remove_member,
        name="remove_member",
    ),
    path(
        "console/organization/invitations/<str:invitation_id>/revoke/",
        members.revoke_invitation,
        name="revoke_invitation",
    ),
    path("console/organization/workspaces/", workspaces.workspaces, name="workspaces"),
    path(
        "console/organization/workspaces/<str:workspace_id>/",
        workspaces.rename_workspace,
        name="rename_workspace",
    ),
    path("console/organization/tokens/", tokens.service_tokens, name="service_tokens"),
    path(
        "console/organization/tokens/<str:token_id>/revoke/",
        tokens.revoke_service_token,
        name="revoke_service_token",
    ),
    path("console/organization/audit/", audit.audit_log, name="audit_log"),
]
