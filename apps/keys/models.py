"""API keys. The key itself is never stored: only a peppered digest, its prefix and its last four characters."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, Workspace
from apps.core.crypto import EncryptedTextField
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.keys.constants import MAX_ROTATION_DAYS
from apps.keys.enums import (
    ENDED_STATUSES,
    AlertKind,
    KeyEnvironment,
    KeyStatus,
    LeakOutcome,
    LeakPolicy,
    NoticeKind,
    Scope,
)
from apps.keys.stops import Stop, mark_stops
from apps.subscriptions.models import Subscription


def default_scopes() -> list[str]:
    """Return the scopes of a key for which none were chosen: everything."""
    return [Scope.READ, Scope.WRITE]


def _is_positive(field: str) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": 1})


class ApiKey(Entity):
    """A consumer's credential for one subscription."""

    id_prefix = "key"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(_("name"), max_length=80)
    environment = models.CharField(_("environment"), max_length=4, choices=KeyEnvironment)
    prefix = models.CharField(_("starts with"), max_length=16)
    last_four = models.CharField(_("ends with"), max_length=4)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    pepper_number = models.PositiveSmallIntegerField(_("pepper"))
    status = models.CharField(
        _("status"), max_length=12, choices=KeyStatus, default=KeyStatus.PENDING
    )
    status_reason = models.CharField(_("reason"), max_length=200, blank=True)
    scopes = ArrayField(
        models.CharField(max_length=8, choices=Scope),
        default=default_scopes,
        verbose_name=_("scopes"),
    )
    ip_allow = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        verbose_name=_("allowed addresses"),
    )
    # What it may call, as "GET /path/{template}", and groups of the API's documents; both empty: everything.
    endpoints = ArrayField(
        models.CharField(max_length=320),
        default=list,
        db_default=models.Value([], ArrayField(models.CharField(max_length=320))),
        blank=True,
        verbose_name=_("allowed endpoints"),
    )
    tags = ArrayField(
        models.CharField(max_length=80),
        default=list,
        db_default=models.Value([], ArrayField(models.CharField(max_length=80))),
        blank=True,
        verbose_name=_("allowed groups"),
    )
    rate_per_second = models.PositiveIntegerField(_("calls per second"), null=True, blank=True)
    rate_per_minute = models.PositiveIntegerField(_("calls per minute"), null=True, blank=True)
    rate_per_hour = models.PositiveIntegerField(_("calls per hour"), null=True, blank=True)
    rate_per_day = models.PositiveIntegerField(_("calls per day"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # How long the key was made for; what a renewal adds.
    term = models.DurationField(_("term"), null=True, blank=True)
    auto_renew = models.BooleanField(_("renewed automatically"), default=False, db_default=False)
    # Empty: as the plan says. 0: never.
    rotation_days = models.PositiveSmallIntegerField(
        _("rotated every (days)"), null=True, blank=True
    )
    rotates_at = models.DateTimeField(_("next rotation"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    activated_at = models.DateTimeField(_("active since"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    last_used_ip = models.GenericIPAddressField(_("last used from"), null=True)

    # What `mark_stops` found out, in a tuple; None before it was asked.
    known_stop: tuple[Stop | None] | None = None

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Newest first."""

        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("subscription", "status"), name="keys_key_subscription"),
            models.Index(fields=("organization", "created_at"), name="keys_key_made"),
            models.Index(
                fields=("pepper_number",),
                name="keys_key_pepper",
                condition=~Q(status__in=ENDED_STATUSES),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=_is_positive("rate_per_second")
                & _is_positive("rate_per_minute")
                & _is_positive("rate_per_hour")
                & _is_positive("rate_per_day"),
                name="keys_key_rates_positive",
            ),
            models.CheckConstraint(
                condition=Q(rotation_days__isnull=True) | Q(rotation_days__lte=MAX_ROTATION_DAYS),
                name="keys_key_rotation_days",
            ),
            models.CheckConstraint(
                condition=Q(auto_renew=False) | Q(term__isnull=False),
                name="keys_key_renewal_has_term",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def stop(self) -> Stop | None:
        """Why a key that is active is refused all the same; lists ask for many keys at once by `mark_stops`."""
        if self.known_stop is None:
            mark_stops([self])
        return self.known_stop[0] if self.known_stop else None

    @property
    def shown_status(self) -> str:
        """The state that its owner sees: `suspended` while a quota that is used up stops it."""
        return str(KeyStatus.SUSPENDED) if self.stop else self.status

    @property
    def shown_reason(self) -> str:
        """Why it is in the state that its owner sees."""
        return self.stop.reason if self.stop else self.status_reason

    @property
    def masked(self) -> str:
        """The key as lists show it, for example `tgk_live_Ab3d…9xYz`."""
        return f"{self.prefix}…{self.last_four}"


class KeyRotation(Entity):
    """A key and its successor; until the grace ends both are valid."""

    id_prefix = "rot"

    old_key = models.OneToOneField(ApiKey, on_delete=models.PROTECT, related_name="rotation_out")
    new_key = models.OneToOneField(ApiKey, on_delete=models.PROTECT, related_name="rotation_in")
    grace_ends_at = models.DateTimeField(_("old key valid until"))
    completed_at = models.DateTimeField(_("completed"), null=True)
    is_automatic = models.BooleanField(_("automatic"), default=False, db_default=False)

    class Meta:
        """Newest first."""

        verbose_name = _("key rotation")
        verbose_name_plural = _("key rotations")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.old_key} → {self.new_key}"


class UnreadKey(Entity):
    """The text of a key that nobody has seen, because a job made it: readable once, until the old key ends.

    Encrypted; emptied when it is read and when its time is over. The row stays, so that the key's page can say which.
    """

    id_prefix = "unk"

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="unread")
    secret = EncryptedTextField(_("key"), blank=True)
    readable_until = models.DateTimeField(_("readable until"))
    read_at = models.DateTimeField(_("read"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("unread key")
        verbose_name_plural = _("unread keys")
        ordering = ("-id",)

    def __str__(self) -> str:
        return str(self.key)


class KeyNotice(Entity):
    """A notice of what will happen to a key: given once for each date and each number of days before it."""

    id_prefix = "knt"

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(_("kind"), max_length=10, choices=NoticeKind)
    due_at = models.DateTimeField(_("of what happens at"))
    days_before = models.PositiveSmallIntegerField(_("days before"))

    class Meta:
        """No notice twice."""

        verbose_name = _("key notice")
        verbose_name_plural = _("key notices")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("key", "kind", "due_at", "days_before"), name="keys_notice_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.days_before}"


class KeyAlert(Entity):
    """An organization makes or rotates more keys than people usually do; somebody should look."""

    id_prefix = "kal"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=AlertKind)
    count = models.PositiveIntegerField(_("how many"))
    threshold = models.PositiveIntegerField(_("alert above"))
    resolved_at = models.DateTimeField(_("looked at"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Newest first."""

        verbose_name = _("key alert")
        verbose_name_plural = _("key alerts")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("organization", "kind", "created_at"), name="keys_alert_window"),
        )

    def __str__(self) -> str:
        return f"{self.organization} {self.kind}"


class KeyLeak(Entity):
    """A key that was found in public: where, and what was done."""

    id_prefix = "klk"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="leaks")
    source = models.CharField(_("found in"), max_length=60, blank=True)
    url = models.TextField(_("address"), blank=True)
    # SHA-256 of the address in hex: addresses are too long for a unique index.
    url_digest = models.CharField(max_length=64)
    outcome = models.CharField(_("outcome"), max_length=10, choices=LeakOutcome)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """A key is reported once for each place."""

        verbose_name = _("leaked key")
        verbose_name_plural = _("leaked keys")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("key", "url_digest"), name="keys_leak_once"),
        )

    def __str__(self) -> str:
        return f"{self.key} {self.source}"


class KeyPolicy(Entity):
    """What an organization wants done with keys that leak. Without a row: revoke."""

    id_prefix = "kpo"

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="key_policy"
    )
    on_leak = models.CharField(
        _("keys found in public"), max_length=10, choices=LeakPolicy, default=LeakPolicy.REVOKE
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One row at most per organization."""

        verbose_name = _("key policy")
        verbose_name_plural = _("key policies")

    def __str__(self) -> str:
        return self.on_leak
