"""The registry as Postgres wants it, throttles, the authorizers as they report themselves, and reconciliations."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, User
from apps.core import clock
from apps.core.crypto import EncryptedTextField
from apps.core.models import Entity
from apps.gateway.enums import EntryKind, ReportStatus, SyncState


class RegistryEntry(Entity):
    """One entry that the authorizers should hold, and the version at which they proved to.

    `payload` is null when the entry must be absent; the parts of it that are secret are in `sealed`.
    `wanted_revision` counts changes of the wanted state; `written_version` is the registry version that carried
    `written_revision` to Valkey; it is proven once every authorizer whose lease runs has reported that version.
    `refresh_at` is the real time at which the entry must be computed again: its quota period is over.
    `given_up_at` is set while the registration of a route waits to be tried again, because no authorizer proved it.
    """

    id_prefix = "reg"

    kind = models.CharField(_("kind"), max_length=8, choices=EntryKind)
    key = models.CharField(_("key"), max_length=80)
    subject_id = models.UUIDField(_("subject"))
    payload = models.JSONField(_("wanted"), null=True)
    sealed = EncryptedTextField(_("secrets"), blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=SyncState, default=SyncState.WANTED)
    wanted_revision = models.PositiveBigIntegerField(_("revision"), default=1)
    wanted_at = models.DateTimeField(_("wanted since"))
    written_version = models.PositiveBigIntegerField(_("written at version"), null=True)
    written_revision = models.PositiveBigIntegerField(_("written revision"), null=True)
    proven_version = models.PositiveBigIntegerField(_("proven at version"), null=True)
    proven_at = models.DateTimeField(_("proven"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    retry_at = models.DateTimeField(_("proof expected until"), default=clock.now)
    refresh_at = models.DateTimeField(_("computed again at"), null=True)
    last_error = models.TextField(_("last error"), blank=True)
    given_up_at = models.DateTimeField(_("registration given up"), null=True)

    class Meta:
        """One entry per kind and key; the relay reads those not proven yet."""

        verbose_name = _("registry entry")
        verbose_name_plural = _("registry entries")
        constraints = (
            models.UniqueConstraint(fields=("kind", "key"), name="gateway_entry_unique"),
        )
        indexes = (
            models.Index(
                fields=("wanted_at",),
                name="gateway_entry_open",
                condition=~Q(state=SyncState.PROVEN),
            ),
            models.Index(fields=("kind", "subject_id"), name="gateway_entry_subject"),
            models.Index(fields=("written_version",), name="gateway_entry_version"),
            models.Index(
                fields=("refresh_at",),
                name="gateway_entry_refresh",
                condition=Q(refresh_at__isnull=False),
            ),
            models.Index(
                fields=("given_up_at",),
                name="gateway_entry_given_up",
                condition=Q(given_up_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


class RegistryHead(models.Model):
    """The one row that gives versions: epoch and last version written."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.CharField(_("epoch"), max_length=40)
    version = models.PositiveBigIntegerField(_("version"), default=0)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        """Exactly one row."""

        verbose_name = _("registry head")
        verbose_name_plural = _("registry heads")
        constraints = (models.CheckConstraint(condition=Q(id=1), name="gateway_head_one_row"),)

    def __str__(self) -> str:
        return f"{self.epoch}/{self.version}"


class AuthorizerNode(models.Model):
    """An authorizer as last seen: which version it serves and until when its lease runs."""

    name = models.CharField(_("node"), max_length=80, primary_key=True)
    epoch = models.CharField(_("epoch"), max_length=40)
    version = models.PositiveBigIntegerField(_("version"))
    lease_expires_at = models.DateTimeField(_("lease until"))
    seen_at = models.DateTimeField(_("seen"))
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        """By name."""

        verbose_name = _("authorizer node")
        verbose_name_plural = _("authorizer nodes")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ThrottleQuerySet(models.QuerySet["TenantThrottle"]):
    """Throttles by what they do now."""

    def holding(self) -> Self:
        """Keep those that hold an organization back now."""
        return self.filter(lifted_at=None, ends_at__gt=clock.now())


class TenantThrottle(Entity):
    """Tighter limits that an operator put on all calls of one organization, for a time.

    It ends by itself at `ends_at`, or was ended before at `lifted_at`.
    """

    id_prefix = "thr"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    calls_per_second = models.PositiveIntegerField(_("calls per second"), null=True)
    calls_per_minute = models.PositiveIntegerField(_("calls per minute"), null=True)
    reason = models.CharField(_("reason"), max_length=500)
    ends_at = models.DateTimeField(_("ends"))
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("applied by")
    )
    lifted_at = models.DateTimeField(_("lifted"), null=True)

    objects = ThrottleQuerySet.as_manager()

    class Meta:
        """Newest first; one that limits nothing is none."""

        verbose_name = _("throttle")
        verbose_name_plural = _("throttles")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(calls_per_second__gt=0) | Q(calls_per_minute__gt=0),
                name="gateway_throttle_limits_something",
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "ends_at"),
                name="gateway_throttle_holding",
                condition=Q(lifted_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.organization}: {self.reason}"

    @property
    def is_holding(self) -> bool:
        """Whether it holds the organization back now."""
        return self.lifted_at is None and self.ends_at > clock.now()


class ReconciliationReport(Entity):
    """What a comparison of Postgres with registry, authorizers and proxy found and healed.

    `details` holds `missing`, `orphaned` and `different` (examples of fields), `computed_again`, `counters`, `nodes`
    (per authorizer what its tables were found to be) and `caddy` (state and paths).
    """

    id_prefix = "rec"

    status = models.CharField(
        _("outcome"), max_length=8, choices=ReportStatus, default=ReportStatus.HEALTHY
    )
    reason = models.TextField(_("reason"), blank=True)
    started_by = models.CharField(_("started by"), max_length=200, blank=True)

    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    checked_count = models.PositiveIntegerField(_("checked"), default=0)
    missing_count = models.PositiveIntegerField(_("missing"), default=0)
    orphaned_count = models.PositiveIntegerField(_("orphaned"), default=0)
    different_count = models.PositiveIntegerField(_("different"), default=0)
    different_nodes_count = models.PositiveIntegerField(_("authorizers that differ"), default=0)
    proxy_paths_count = models.PositiveIntegerField(_("proxy paths that differ"), default=0)
    healed_count = models.PositiveIntegerField(_("healed"), default=0)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        """Newest first."""

        verbose_name = _("reconciliation report")
        verbose_name_plural = _("reconciliation reports")
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    @property
    def drift_count(self) -> int:
        """How many things were not as they should be: entries, authorizers and paths of the proxy."""
        entries = self.missing_count + self.orphaned_count + self.different_count
        return entries + self.different_nodes_count + self.proxy_paths_count
