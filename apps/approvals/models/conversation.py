"""What is said about a request, and the files that belong to it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.approvals.models.requests import ApprovalRequest
from apps.core.models import Entity


class ApprovalComment(Entity):
    """Something said about a request; internal comments are for the back office only."""

    id_prefix = "apc"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    body = models.TextField(_("comment"))
    is_internal = models.BooleanField(_("internal"), default=True)
    # Staff whom the text names as `@name`; they were told.
    mentions = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)

    class Meta:
        """Oldest first, as a conversation reads."""

        verbose_name = _("approval comment")
        verbose_name_plural = _("approval comments")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.body[:60]


class ApprovalAttachment(Entity):
    """A small file of a comment, kept in the database so that it shares the comment's backups and its fate."""

    id_prefix = "apf"

    comment = models.ForeignKey(
        ApprovalComment, on_delete=models.CASCADE, related_name="attachments"
    )
    name = models.CharField(_("file name"), max_length=150)
    # Found out from the bytes, never taken from the sender.
    content_type = models.CharField(_("content type"), max_length=60)
    size_bytes = models.PositiveIntegerField(_("size in bytes"))
    content = models.BinaryField(_("content"))

    class Meta:
        """In the order in which they were attached."""

        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.name
