"""What a person does not want by e-mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity


class NotificationPreference(Entity):
    """A person's choice for one group of messages; without a row the mails are sent."""

    id_prefix = "npr"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    group = models.CharField(_("group"), max_length=40)
    wants_mail = models.BooleanField(_("by e-mail"), default=True)

    class Meta:
        """One choice per person and group."""

        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        ordering = ("group",)
        constraints = (
            models.UniqueConstraint(fields=("user", "group"), name="notifications_preference_once"),
        )

    def __str__(self) -> str:
        return self.group
