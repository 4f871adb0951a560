"""People, the organizations they work in, and the tokens that machines use."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.accounts.clock_jumps import ClockJump  # noqa: F401 -- a model of this app
from apps.accounts.enums import Role
from apps.accounts.managers import UserManager
from apps.core import clock
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet


def validate_timezone(name: str) -> None:
    """Refuse a name that the IANA database does not know."""
    if name not in available_timezones():
        raise ValidationError(_("This is not a time zone of the IANA database."), code="timezone")


class User(Entity, AbstractBaseUser, PermissionsMixin):
    """A person. Logs in with an e-mail address; belongs to organizations by membership."""

    id_prefix = "usr"

    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en"
    )
    timezone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_timezone]
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("works in the back office"), default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """An address belongs to one person, whatever its case."""

        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_unique",
                violation_error_message=_("A user with this e-mail address exists."),
            ),
        )

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Return the name, or the address where no name was given."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """Return the first word of the name."""
        return self.get_full_name().split(" ")[0]


class OrganizationQuerySet(TenantQuerySet["Organization"]):
    """Organizations are their own tenants."""

    tenant_fields = ("id",)


class Organization(Entity):
    """A tenant: provides APIs, consumes them, or both.

    A sandbox organization has a test clock: `clock_offset` only grows, and `clock.business_now` adds it.
    `api_tier` is its tier of the platform's own rate limits, kept by `apps.subscriptions`; empty is the free one.
    `platform_plan` is the key of the platform's plan that the operator gave it (empty: the default one), and
    `platform_plan_until` the instant from which it no longer holds.
    """

    id_prefix = "org"

    name = models.CharField(_("name"), max_length=150)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    timezone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_timezone]
    )
    billing_email = models.EmailField(_("billing e-mail"), blank=True)
    is_sandbox = models.BooleanField(_("sandbox"), default=False)
    clock_offset = models.DurationField(_("test clock offset"), default=timedelta(0))
    is_verified_provider = models.BooleanField(_("verified provider"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    api_tier = models.CharField(_("API tier"), max_length=12, blank=True, default="", db_default="")
    platform_plan = models.CharField(
        _("plan of the platform"), max_length=30, blank=True, default="", db_default=""
    )
    platform_plan_until = models.DateTimeField(_("plan holds until"), null=True, blank=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        """Only a sandbox's clock may differ from the real one, and never backwards."""

        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(clock_offset=timedelta(0)) | Q(is_sandbox=True),
                name="accounts_organization_clock_only_in_sandbox",
            ),
            models.CheckConstraint(
                condition=Q(clock_offset__gte=timedelta(0)),
                name="accounts_organization_clock_forward",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Workspace(Entity):
    """A part of an organization with its own keys and subscriptions, such as a team or a stage."""

    id_prefix = "wsp"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="workspaces"
    )
    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("slug"), max_length=60)
    is_default = models.BooleanField(_("default"), default=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Each organization has exactly one default workspace."""

        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "slug"), name="accounts_workspace_slug_unique"
            ),
            models.UniqueConstraint(
                fields=("organization",),
                condition=Q(is_default=True),
                name="accounts_workspace_one_default",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Membership(Entity):
    """A person's role in an organization."""

    id_prefix = "mbr"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One role per person and organization."""

        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "user"), name="accounts_membership_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class Invitation(Entity):
    """An offer to join an organization, sent by e-mail; the token is stored hashed."""

    id_prefix = "ivt"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=12, choices=Role)
    token_digest = models.CharField(_("token digest"), max_length=64, unique=True)
    invited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One open invitation per address."""

        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="accounts_invitation_one_open",
            ),
        )

    def __str__(self) -> str:
        return self.email


class ServiceToken(Entity):
    """A machine's credential for the REST API; stored as a digest, shown once.

    A token without an organization belongs to the platform (the shipper).
    """

    id_prefix = "tok"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="service_tokens"
    )
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    name = models.CharField(_("name"), max_length=100)
    token_prefix = models.CharField(_("starts with"), max_length=16)
    token_digest = models.CharField(_("token digest"), max_length=64, unique=True)
    permissions = ArrayField(models.CharField(max_length=40), verbose_name=_("permissions"))
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Listed newest first."""

        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """Whether it is `active`, `expired` or `revoked` now."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= clock.now()
        return "expired" if is_over else "active"
