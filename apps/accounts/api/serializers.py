"""How people and organizations look over REST."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.accounts.enums import Role
from apps.accounts.models import (
    Invitation,
    Membership,
    Organization,
    ServiceToken,
    User,
    Workspace,
    validate_timezone,
)
from apps.accounts.roles import ALL_PERMISSIONS
from apps.core import clock
from apps.core.models import AuditEvent

CURRENCY = r"^[A-Z]{3}$"
COUNTRY = r"^([A-Z]{2})?$"
GRANTABLE = sorted(ALL_PERMISSIONS)


class OrganizationOutput(serializers.ModelSerializer[Organization]):
    """An organization. `time` is what its clock shows: the real time, or a sandbox's test clock."""

    id = serializers.CharField(source="public_id")
    time = serializers.SerializerMethodField()

    class Meta:
        model = Organization
        fields = (
            "id", "name", "slug", "country", "currency", "timezone", "billing_email",
            "is_sandbox", "is_verified_provider", "time", "created_at",
        )  # fmt: skip

    def get_time(self, organization: Organization) -> str:
        """Return the organization's present time."""
        return clock.business_now(organization).isoformat()


class OwnOrganizationOutput(serializers.Serializer[Membership]):
    """An organization with the caller's role in it."""

    organization = OrganizationOutput()
    role = serializers.ChoiceField(Role.choices)


class NewOrganizationInput(serializers.Serializer[Any]):
    """A new organization; the caller becomes its owner."""

    name = serializers.CharField(max_length=150)
    country = serializers.RegexField(COUNTRY, default="", allow_blank=True)
    currency = serializers.RegexField(CURRENCY, default="USD")
    timezone = serializers.CharField(default="UTC", validators=[validate_timezone])
    is_sandbox = serializers.BooleanField(default=False)


class OrganizationChangeInput(serializers.Serializer[Any]):
    """What may change; members left out stay as they are."""

    name = serializers.CharField(max_length=150, required=False)
    country = serializers.RegexField(COUNTRY, allow_blank=True, required=False)
    currency = serializers.RegexField(CURRENCY, required=False)
    timezone = serializers.CharField(validators=[validate_timezone], required=False)
    billing_email = serializers.EmailField(required=False)


class UserOutput(serializers.ModelSerializer[User]):
    """A person."""

    id = serializers.CharField(source="public_id")

    class Meta:
        model = User
        fields = ("id", "email", "name", "language", "timezone")


class ProfileInput(serializers.Serializer[Any]):
    """What people may change about themselves."""

    name = serializers.CharField(max_length=150, allow_blank=True, required=False)
    language = serializers.ChoiceField(settings.LANGUAGES, required=False)
    timezone = serializers.CharField(validators=[validate_timezone], required=False)


class WhoamiOutput(serializers.Serializer[Any]):
    """Who the credential belongs to, in which tenant, and what it may do there."""

    kind = serializers.ChoiceField(["user", "service_token"])
    label = serializers.CharField()  # type: ignore[assignment]  # a member of the answer, not DRF's label
    organization_id = serializers.CharField(allow_null=True)
    workspace_id = serializers.CharField(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField())
    staff_roles = serializers.ListField(child=serializers.CharField())


class MemberOutput(serializers.ModelSerializer[Membership]):
    """A member with the role."""

    id = serializers.CharField(source="public_id")
    user = UserOutput()

    class Meta:
        model = Membership
        fields = ("id", "user", "role", "created_at")


class RoleInput(serializers.Serializer[Any]):
    """A role."""

    role = serializers.ChoiceField(Role.choices)


class InvitationInput(RoleInput):
    """Whom to invite, and as what."""

    email = serializers.EmailField()


class InvitationOutput(serializers.ModelSerializer[Invitation]):
    """An open invitation."""

    id = serializers.CharField(source="public_id")

    class Meta:
        model = Invitation
        fields = ("id", "email", "role", "expires_at", "created_at")


class OwnInvitationOutput(serializers.ModelSerializer[Invitation]):
    """An invitation that the caller can accept."""

    id = serializers.CharField(source="public_id")
    organization_name = serializers.CharField(source="organization.name")

    class Meta:
        model = Invitation
        fields = ("id", "organization_name", "role", "expires_at")


class WorkspaceInput(serializers.Serializer[Any]):
    """A workspace's name."""

    name = serializers.CharField(max_length=100)


class WorkspaceOutput(serializers.ModelSerializer[Workspace]):
    """A workspace."""

    id = serializers.CharField(source="public_id")

    class Meta:
        model = Workspace
        fields = ("id", "name", "slug", "is_default", "created_at")


class ServiceTokenInput(serializers.Serializer[Any]):
    """A new service token; its permissions are at most the caller's."""

    name = serializers.CharField(max_length=100)
    permissions = serializers.ListField(child=serializers.ChoiceField(GRANTABLE), allow_empty=False)
    workspace_id = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ServiceTokenOutput(serializers.ModelSerializer[ServiceToken]):
    """A service token without its secret."""

    id = serializers.CharField(source="public_id")
    workspace_id = serializers.CharField(source="workspace.public_id", allow_null=True)

    class Meta:
        model = ServiceToken
        fields = (
            "id", "name", "token_prefix", "permissions", "workspace_id", "expires_at",
            "revoked_at", "last_used_at", "created_at",
        )  # fmt: skip


class IssuedTokenOutput(serializers.Serializer[Any]):
    """A new token with its secret, shown this once."""

    secret = serializers.CharField()
    token = ServiceTokenOutput()


class AuditEventOutput(serializers.ModelSerializer[AuditEvent]):
    """One thing that somebody did."""

    id = serializers.CharField(source="public_id")

    class Meta:
        model = AuditEvent
        fields = (
            "id", "occurred_at", "action", "actor_kind", "actor_label", "target_type",
            "target_id", "before", "after", "reason", "request_id", "ip",
        )  # fmt: skip


class StaffUserOutput(serializers.ModelSerializer[User]):
    """A person as the operator sees them."""

    id = serializers.CharField(source="public_id")
    organizations = serializers.SerializerMethodField()
    staff_roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            "id", "email", "name", "is_active", "staff_roles", "organizations", "last_login",
            "created_at",
        )  # fmt: skip

    def get_organizations(self, user: User) -> list[str]:
        """Return the names of the organizations that they work in."""
        return [membership.organization.name for membership in user.memberships.all()]

    def get_staff_roles(self, user: User) -> list[str]:
        """Return their back-office roles."""
        return [group.name for group in user.groups.all()]


class ReasonInput(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=500)
