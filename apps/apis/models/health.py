"""Whether upstreams answer: single probes, the circuit breaker's state, and days summed up."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.apis.enums import CircuitState
from apps.apis.models.listings import Api
from apps.core import clock
from apps.core.models import Entity


class HealthCheck(Entity):
    """One probe of an upstream."""

    id_prefix = "hck"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="health_checks")
    url = models.CharField(_("called"), max_length=520, blank=True)
    checked_at = models.DateTimeField(_("time"))
    is_healthy = models.BooleanField(_("healthy"))
    status_code = models.PositiveSmallIntegerField(_("status"), null=True)
    latency_ms = models.PositiveIntegerField(_("latency (ms)"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        """Newest first."""

        verbose_name = _("health check")
        verbose_name_plural = _("health checks")
        ordering = ("-checked_at",)
        indexes = (models.Index(fields=("api", "-checked_at"), name="apis_healthcheck_api"),)

    def __str__(self) -> str:
        return f"{self.checked_at:%Y-%m-%d %H:%M} {'ok' if self.is_healthy else 'failed'}"


class UpstreamHealth(models.Model):
    """What the scheduled probes say about an upstream, and whether the gateway may dial it.

    open: it stays down, the gateway answers 503 for it; half_open: one probe succeeded, calls pass on trial.
    """

    api = models.OneToOneField(
        Api, on_delete=models.CASCADE, primary_key=True, related_name="upstream_health"
    )
    circuit = models.CharField(
        _("circuit"), max_length=10, choices=CircuitState, default=CircuitState.CLOSED
    )
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    consecutive_successes = models.PositiveIntegerField(_("successes in a row"), default=0)
    circuit_changed_at = models.DateTimeField(_("since"), default=clock.now)
    last_checked_at = models.DateTimeField(_("last check"), null=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    next_probe_at = models.DateTimeField(_("next check"), default=clock.now)

    class Meta:
        """The job reads those that are due."""

        verbose_name = _("upstream health")
        verbose_name_plural = _("upstream health")
        indexes = (models.Index(fields=("next_probe_at",), name="apis_health_due"),)

    def __str__(self) -> str:
        return self.circuit


class HealthIncident(Entity):
    """A time in which an upstream stayed down, from the opening of its circuit to its closing."""

    id_prefix = "inc"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="health_incidents")
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        """Newest first; one is open at a time."""

        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-started_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("api",), condition=Q(ended_at=None), name="apis_incident_one_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class HealthDay(models.Model):
    """One UTC day of an upstream's probes, summed up: what uptime is computed from after the probes are gone."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="health_days")
    day = models.DateField(_("day"))
    check_count = models.PositiveIntegerField(_("checks"), default=0)
    healthy_count = models.PositiveIntegerField(_("healthy"), default=0)
    latency_p50_ms = models.PositiveIntegerField(_("median latency (ms)"), null=True)
    latency_p95_ms = models.PositiveIntegerField(_("p95 latency (ms)"), null=True)

    class Meta:
        """One row per API and day."""

        verbose_name = _("day of health")
        verbose_name_plural = _("days of health")
        ordering = ("day",)
        constraints = (
            models.UniqueConstraint(fields=("api", "day"), name="apis_healthday_unique"),
        )

    def __str__(self) -> str:
        return f"{self.day}: {self.healthy_count}/{self.check_count}"
