"""Accounts in the back office: look people and organizations up, lock people out."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from apps.accounts.admin.plans import plan_page
from apps.accounts.models import (
    Invitation,
    Membership,
    Organization,
    ServiceToken,
    User,
    Workspace,
)
from apps.accounts.services import (
    deactivate_user,
    reactivate_user,
    revoke_service_token,
    withdraw_verification,
)
from apps.core.admin import BackOfficeAdmin, ReadOnlyAdmin, ReasonForm, staff_actor
from apps.core.exceptions import DomainError


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """Where a person works, or who works in an organization."""

    model = Membership
    extra = 0
    can_delete = False
    fields = readonly_fields = ("organization", "user", "role", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Members come by invitation."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the page sees this part of it."""
        return True


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People."""

    view_roles = ("operator",)
    change_roles = ("operator",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    exclude = ("password", "user_permissions")
    inlines = (MembershipInline,)
    action_form = ReasonForm
    actions = ("deactivate", "reactivate")

    @admin.action(description=_("Lock the selected people out"), permissions=("change",))
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """End their logins, sessions and tokens."""
        self._each(request, users, deactivate_user)

    @admin.action(description=_("Let the selected people in again"), permissions=("change",))
    def reactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Allow their logins."""
        self._each(request, users, reactivate_user)

    def _each(self, request: HttpRequest, users: QuerySet[User], change: Any) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, _("Say why."), messages.ERROR)
            return
        for user in users:
            try:
                change(user=user, actor=staff_actor(request), reason=reason)
            except DomainError as error:
                self.message_user(request, f"{user}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{user}: {_('done')}")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field that is shown."""
        return [*super().get_readonly_fields(request, obj), "groups"]


@admin.register(Organization)
class OrganizationAdmin(BackOfficeAdmin):
    """Organizations. Providers are verified in the approval queue; an operator can take that back."""

    view_roles = ("approver", "operator", "finance")
    change_roles = ("operator",)
    action_form = ReasonForm
    actions = ("withdraw_verification",)
    change_form_template = "accounts/backoffice_organization.html"
    list_display = ("name", "country", "currency", "is_sandbox", "is_verified_provider", "people")
    list_filter = ("is_sandbox", "is_verified_provider", "is_active", "platform_plan")
    search_fields = ("name", "slug", "billing_email")
    inlines = (MembershipInline,)
    readonly_fields: ClassVar[Any] = (
        "name", "slug", "country", "currency", "timezone", "billing_email", "is_sandbox",
        "clock_offset", "is_verified_provider", "is_active", "api_tier", "platform_plan",
        "platform_plan_until",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the organization's plan of the platform."""
        page = partial(plan_page, site=self.admin_site)
        wrapped = self.admin_site.admin_view(page)
        own = path("<uuid:organization_id>/plan/", wrapped, name="accounts_organization_plan")
        return [own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        """Count the members in the same query."""
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(member_count=Count("memberships"))

    @admin.display(description=_("people"), ordering="member_count")
    def people(self, organization: Any) -> int:
        """How many people work there."""
        count: int = organization.member_count
        return count

    @admin.action(description=_("Withdraw the verification"), permissions=("change",))
    def withdraw_verification(
        self, request: HttpRequest, organizations: QuerySet[Organization]
    ) -> None:
        """Review the next APIs of these providers again, whatever their category says."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, _("Say why."), messages.ERROR)
            return
        for organization in organizations:
            withdraw_verification(
                organization=organization, actor=staff_actor(request), reason=reason
            )
            self.message_user(request, f"{organization}: {_('done')}")


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    """Workspaces."""

    view_roles = ("operator",)
    list_display = ("name", "organization", "is_default", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations."""

    view_roles = ("operator",)
    list_display = ("email", "organization", "role", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("organization",)
    search_fields = ("email", "organization__name")
    exclude = ("token_digest",)


@admin.register(ServiceToken)
class ServiceTokenAdmin(ReadOnlyAdmin):
    """Service tokens of organizations and of the platform."""

    view_roles = ("operator",)
    change_roles = ("operator",)
    list_display = ("name", "token_prefix", "organization", "state", "last_used_at", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "token_prefix", "organization__name")
    exclude = ("token_digest",)
    actions = ("revoke",)

    @admin.action(description=_("Revoke the selected tokens"), permissions=("change",))
    def revoke(self, request: HttpRequest, tokens: QuerySet[ServiceToken]) -> None:
        """End the tokens."""
        for token in tokens:
            try:
                revoke_service_token(token=token, actor=staff_actor(request))
            except DomainError as error:
                self.message_user(request, f"{token}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{token}: {_('revoked')}")
