"""What people are told, in the portal."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet


class Notification(Entity):
    """One message to one person; `kind` names its text, `context` fills it, so it reads in any language.

    `organization` is what the message is about; null when it is about the installation itself.
    """

    id_prefix = "ntf"

    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    kind = models.CharField(_("kind"), max_length=60)
    context = models.JSONField(_("context"), default=dict)
    url = models.CharField(_("link"), max_length=300, blank=True)
    dedupe_key = models.CharField(_("dedupe key"), max_length=160)
    read_at = models.DateTimeField(_("read"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """The same thing is told once."""

        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "dedupe_key"), name="notifications_notification_once"
            ),
        )

    def __str__(self) -> str:
        return self.kind
