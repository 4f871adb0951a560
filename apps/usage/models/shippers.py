"""The gateways' shippers: how far each has come, which were taken out of service, and what they were asked to send again."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.usage.enums import ReplayStatus


class ShipperState(models.Model):
    """How far a shipper has come: closing a period waits for it, unless it is retired.

    `replay_id` is the log replay that waits for it; told with the answer to its next batch.
    """

    node = models.CharField(_("node"), max_length=80, primary_key=True)
    oldest_unshipped_at = models.DateTimeField(_("oldest unshipped call"), null=True)
    reported_at = models.DateTimeField(_("reported"))
    first_reported_at = models.DateTimeField(_("first reported"), null=True)
    retired_at = models.DateTimeField(_("retired"), null=True)
    replay_id = models.UUIDField(_("waiting replay"), null=True)

    class Meta:
        """By node."""

        verbose_name = _("shipper state")
        verbose_name_plural = _("shipper states")

    def __str__(self) -> str:
        return self.node


class NodeRetirement(Entity):
    """A gateway node was taken out of service for good: nothing waits for its calls any more.

    `last_reported_at` and `oldest_unshipped_at` are what its shipper had said last.
    """

    id_prefix = "ret"

    node = models.CharField(_("node"), max_length=80)
    reason = models.CharField(_("reason"), max_length=500)
    last_reported_at = models.DateTimeField(_("last reported"))
    oldest_unshipped_at = models.DateTimeField(_("oldest unshipped call"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("retired node")
        verbose_name_plural = _("retired nodes")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.node


class LogReplay(Entity):
    """A node was asked to compare its journal with the stored calls, and to send what is missing.

    `since` and `until` are real time. `covered_from` is since when the node still has its files; `unreadable` names
    lines that are no log lines, as `file:line`.
    """

    id_prefix = "rpl"

    node = models.CharField(_("node"), max_length=80)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until (exclusive)"))
    status = models.CharField(
        _("status"), max_length=9, choices=ReplayStatus, default=ReplayStatus.REQUESTED
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    covered_from = models.DateTimeField(_("files since"), null=True)
    call_count = models.PositiveIntegerField(_("calls in the journal"), default=0)
    known_count = models.PositiveIntegerField(_("known"), default=0)
    sent_count = models.PositiveIntegerField(_("sent"), default=0)
    unconfirmed_count = models.PositiveIntegerField(_("of these unconfirmed"), default=0)
    line_count = models.PositiveIntegerField(_("log lines read"), default=0)
    unjournaled_count = models.PositiveIntegerField(_("lines without a journal"), default=0)
    unreadable = models.JSONField(_("unreadable lines"), default=list)
    error = models.TextField(_("error"), blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("log replay")
        verbose_name_plural = _("log replays")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.node} {self.since:%Y-%m-%d %H:%M}"
