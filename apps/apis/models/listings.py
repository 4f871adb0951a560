"""What a provider offers: categories, APIs, and what belongs to a listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.constants import MAX_ORIGIN_LENGTH_CHARS
from apps.apis.enums import (
    CALLABLE_STATUSES,
    ApiStatus,
    GoLiveMode,
    TimeoutClass,
    UpdateStatus,
    Visibility,
)
from apps.core import clock
from apps.core.crypto import EncryptedTextField
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet

if TYPE_CHECKING:
    from apps.core.actors import Actor

HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def all_methods() -> list[str]:
    """Return every method an API may allow; the default of a new one."""
    return list(HTTP_METHODS)


class Category(Entity):
    """A shelf of the catalogue; decides how its APIs go live."""

    id_prefix = "cat"

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    icon = models.CharField(_("icon"), max_length=40, blank=True)
    go_live_mode = models.CharField(
        _("going live"), max_length=8, choices=GoLiveMode, default=GoLiveMode.REVIEW
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        """In the operator's order."""

        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("position", "name")

    def __str__(self) -> str:
        return self.name


class ApiQuerySet(TenantQuerySet["Api"]):
    """APIs as their provider, or the public, may read them."""

    def listed(self) -> Self:
        """Keep what the public catalogue shows."""
        return self.filter(status__in=CALLABLE_STATUSES, visibility=Visibility.PUBLIC)

    def readable_by(self, actor: Actor) -> Self:
        """Keep what the actor may open by its address: its own, callable ones, private ones by invitation."""
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.open_to(None)
        return self.filter(
            Q(organization_id=actor.organization_id)
            | Q(pk__in=self.model.objects.open_to(actor.organization_id).values("pk"))
        )

    def open_to(self, organization_id: UUID | None) -> Self:
        """Keep the callable ones that an organization may use: not private, its own, or opened to it."""
        callable_ones = self.filter(status__in=CALLABLE_STATUSES)
        if organization_id is None:
            return callable_ones.exclude(visibility=Visibility.PRIVATE)
        access = ApiAccess.objects.filter(organization_id=organization_id, removed_at=None)
        return callable_ones.filter(
            ~Q(visibility=Visibility.PRIVATE)
            | Q(organization_id=organization_id)
            | Q(pk__in=access.values("api_id"))
        )

    def with_logo(self) -> Self:
        """Bring each one's logo along, without the picture itself: enough to link to it."""
        return self.select_related("logo").defer("logo__image")


class Api(Entity):
    """An HTTP API that a provider offers; `slug` is its first path segment at the gateway."""

    id_prefix = "api"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="apis")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="apis")
    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    tags = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    short_description = models.CharField(_("short description"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    terms_url = models.URLField(_("terms"), blank=True)
    support_email = models.EmailField(_("support address"), blank=True)
    status = models.CharField(
        _("status"), max_length=20, choices=ApiStatus, default=ApiStatus.DRAFT
    )
    status_reason = models.TextField(_("reason"), blank=True)
    visibility = models.CharField(
        _("visibility"), max_length=10, choices=Visibility, default=Visibility.PUBLIC
    )
    upstream_url = models.URLField(_("upstream base URL"), max_length=300)
    allowed_methods = ArrayField(
        models.CharField(max_length=8), default=all_methods, verbose_name=_("allowed methods")
    )
    # Where browsers may call it from; empty: no policy of ours, ["*"]: everywhere.
    cors_origins = ArrayField(
        models.CharField(max_length=MAX_ORIGIN_LENGTH_CHARS),
        default=list,
        db_default=models.Value([], ArrayField(models.CharField())),
        blank=True,
        verbose_name=_("origins of pages"),
    )
    # Rows from before this choice waited as long as a call may take, and go on so.
    timeout_class = models.CharField(
        _("time to answer"),
        max_length=8,
        choices=TimeoutClass,
        default=TimeoutClass.STANDARD,
        db_default=TimeoutClass.LONG.value,
    )
    # For all consumers together; none: as many as come.
    calls_per_second = models.PositiveIntegerField(
        _("calls per second from all consumers"), null=True, blank=True
    )
    calls_per_minute = models.PositiveIntegerField(
        _("calls per minute from all consumers"), null=True, blank=True
    )
    health_path = models.CharField(_("health path"), max_length=200, default="/", blank=True)
    health_expected_status = models.PositiveSmallIntegerField(_("expected status"), default=200)
    health_interval_s = models.PositiveIntegerField(_("check every (s)"), default=60)
    featured_position = models.PositiveSmallIntegerField(
        _("featured position"), null=True, blank=True
    )
    activated_at = models.DateTimeField(_("active since"), null=True)
    sunset_at = models.DateTimeField(_("sunset"), null=True, blank=True)
    # The last reminder of the sunset, in days before it.
    sunset_reminder_days = models.PositiveSmallIntegerField(null=True, editable=False)
    search = SearchVectorField(null=True)

    objects = ApiQuerySet.as_manager()

    class Meta:
        """Newest first."""

        verbose_name = _("API")
        verbose_name_plural = _("APIs")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=~Q(calls_per_second=0) & ~Q(calls_per_minute=0),
                name="apis_api_calls_positive",
            ),
        )
        indexes = (
            GinIndex(fields=("search",), name="apis_api_search"),
            models.Index(fields=("status", "visibility"), name="apis_api_listed"),
            GinIndex(fields=("tags",), name="apis_api_tags"),
            models.Index(
                F("activated_at").desc(nulls_last=True),
                F("id").desc(),
                name="apis_api_newest",
                condition=Q(status__in=CALLABLE_STATUSES, visibility=Visibility.PUBLIC),
            ),
            models.Index(
                fields=("featured_position",),
                name="apis_api_featured",
                condition=Q(featured_position__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_callable(self) -> bool:
        """Whether calls may pass."""
        return self.status in CALLABLE_STATUSES

    @property
    def health_url(self) -> str:
        """What a health check calls."""
        return f"{self.upstream_url.rstrip('/')}/{self.health_path.lstrip('/')}"


class ApiStatusChange(Entity):
    """One move in an API's life: the provider's history page."""

    id_prefix = "asc"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="status_changes")
    from_status = models.CharField(_("from"), max_length=20, choices=ApiStatus, blank=True)
    to_status = models.CharField(_("to"), max_length=20, choices=ApiStatus)
    actor_user_id = models.UUIDField(null=True)
    actor_label = models.CharField(_("by"), max_length=200)
    by_operator = models.BooleanField(_("by the operator"), default=False)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        """Oldest first."""

        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class RequiredHeader(Entity):
    """A header that callers must send to the API."""

    id_prefix = "hdr"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="required_headers")
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta:
        """Names are unique per API."""

        verbose_name = _("required header")
        verbose_name_plural = _("required headers")
        constraints = (
            models.UniqueConstraint(fields=("api", "name"), name="apis_requiredheader_unique"),
        )

    def __str__(self) -> str:
        return self.name


class UpstreamSecret(Entity):
    """A header that the gateway adds for the upstream; the value is encrypted and never shown."""

    id_prefix = "ups"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="upstream_secrets")
    header_name = models.CharField(_("header"), max_length=80)
    value = EncryptedTextField(_("value"))

    class Meta:
        """One value per header."""

        verbose_name = _("upstream secret")
        verbose_name_plural = _("upstream secrets")
        constraints = (
            models.UniqueConstraint(fields=("api", "header_name"), name="apis_secret_unique"),
        )

    def __str__(self) -> str:
        return self.header_name


class ApiLogo(Entity):
    """A listing's picture, re-encoded by us; `digest` names it in its address, so it may be cached for ever."""

    id_prefix = "lgo"

    api = models.OneToOneField(Api, on_delete=models.CASCADE, related_name="logo")
    image = models.BinaryField(_("image"))
    content_type = models.CharField(_("type"), max_length=40)
    digest = models.CharField(_("digest"), max_length=64)

    class Meta:
        """One per API."""

        verbose_name = _("logo")
        verbose_name_plural = _("logos")

    def __str__(self) -> str:
        return self.digest[:12]


class ApiAccess(Entity):
    """An organization that its provider lets see and subscribe to a private API.

    The row outlives the access: an invitation that is older than `removed_at` no longer opens the door.
    """

    id_prefix = "aca"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="access")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_access"
    )
    granted_by_label = models.CharField(_("granted by"), max_length=200)
    granted_at = models.DateTimeField(_("granted"), default=clock.now)
    removed_at = models.DateTimeField(_("removed"), null=True)

    class Meta:
        """Granted once."""

        verbose_name = _("access to a private API")
        verbose_name_plural = _("access to private APIs")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("api", "organization"), name="apis_access_unique"),
        )

    def __str__(self) -> str:
        return f"{self.api_id} → {self.organization_id}"


class ApiUpdate(Entity):
    """A change to a live API that an approver must agree to before the gateway follows it.

    `changes` maps a field to its value before and after; nothing of it is in force until the update is approved.
    Values of upstream secrets are not among them: they wait in `sealed`, encrypted.
    """

    id_prefix = "upd"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="updates")
    status = models.CharField(
        _("status"), max_length=12, choices=UpdateStatus, default=UpdateStatus.PENDING
    )
    changes = models.JSONField(_("changes"))
    sealed = EncryptedTextField(_("sealed values"), blank=True, default="")
    actor_user_id = models.UUIDField(null=True)
    actor_label = models.CharField(_("by"), max_length=200)
    decided_at = models.DateTimeField(_("decided"), null=True)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        """One pending update per API."""

        verbose_name = _("API update")
        verbose_name_plural = _("API updates")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("api",),
                condition=Q(status=UpdateStatus.PENDING),
                name="apis_update_one_pending",
            ),
        )

    def __str__(self) -> str:
        return ", ".join(self.changes)
