"""A test clock's way from one moment to another, with what happened on it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import JumpStatus
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet

FULL_PERCENT = 100


class ClockJump(Entity):
    """One move of a sandbox's clock: it stops at each moment at which something falls due.

    `reached_at` is the business time that was reached; what is due until then has happened. `happened` lists it, oldest
    first: moment, kind of work, how many.
    """

    id_prefix = "clk"

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="clock_jumps"
    )
    status = models.CharField(
        _("status"), max_length=10, choices=JumpStatus, default=JumpStatus.ADVANCING
    )
    from_time = models.DateTimeField(_("from"))
    to_time = models.DateTimeField(_("to"))
    reached_at = models.DateTimeField(_("reached"))
    final_offset = models.DurationField(_("offset when it has arrived"))
    # The last moment whose work is done; null before the first.
    handled_until = models.DateTimeField(null=True)
    happened = models.JSONField(_("happened"), default=list)
    waits_for = models.CharField(_("waits for"), max_length=60, blank=True)
    error = models.TextField(_("error"), blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """A clock makes one jump at a time, forward."""

        verbose_name = _("move of a test clock")
        verbose_name_plural = _("moves of test clocks")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization",),
                condition=Q(status=JumpStatus.ADVANCING),
                name="accounts_clock_jump_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(to_time__gt=F("from_time")), name="accounts_clock_jump_forward"
            ),
        )

    def __str__(self) -> str:
        return f"{self.from_time:%Y-%m-%d} → {self.to_time:%Y-%m-%d}"

    @property
    def is_advancing(self) -> bool:
        """Whether the clock is still on its way."""
        return self.status == JumpStatus.ADVANCING

    @property
    def percent(self) -> int:
        """How much of the way is done."""
        whole = self.to_time - self.from_time
        return min(FULL_PERCENT, max(0, (self.reached_at - self.from_time) * FULL_PERCENT // whole))
