"""Events that were not taken, kept so that their sender can see what was wrong with them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import format_public_id
from apps.core.models import Entity
from apps.usage.enums import RejectionCode
from apps.usage.models.batches import UsageBatch


class RejectedEvent(Entity):
    """An event that intake or processing refused, with the reason; kept for as long as it could be sent again."""

    id_prefix = "rej"

    batch = models.ForeignKey(
        UsageBatch, on_delete=models.CASCADE, related_name="+", verbose_name=_("usage batch")
    )
    organization_id = models.UUIDField(_("sent by"), null=True)
    position = models.PositiveIntegerField(_("position in the batch"))
    event_id = models.CharField(_("event"), max_length=64, blank=True)
    code = models.CharField(_("code"), max_length=24, choices=RejectionCode)
    field = models.CharField(_("field"), max_length=60, blank=True)
    reason = models.TextField(_("reason"))
    payload = models.TextField(_("as it was sent"))

    class Meta:
        """Newest first; a sender reads its own."""

        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        ordering = ("-id",)
        indexes = (models.Index(fields=("organization_id", "-id"), name="usage_rejected_sender"),)

    def __str__(self) -> str:
        return f"{self.code} {self.event_id}"

    @property
    def batch_public_id(self) -> str:
        """The batch's id, without reading the batch."""
        return format_public_id(UsageBatch.id_prefix, self.batch_id)
