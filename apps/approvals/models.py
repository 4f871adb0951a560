"""Requests that somebody must decide, whatever they are about."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus, Priority
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet


class ApprovalRequest(Entity):
    """A request for a decision about a subject that a handler knows (`subject_type`)."""

    id_prefix = "apr"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    subject_type = models.CharField(_("subject type"), max_length=60)
    subject_id = models.UUIDField(_("subject"))
    title = models.CharField(_("title"), max_length=200)
    status = models.CharField(
        _("status"), max_length=16, choices=ApprovalStatus, default=ApprovalStatus.PENDING
    )
    priority = models.CharField(
        _("priority"), max_length=8, choices=Priority, default=Priority.NORMAL
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    due_at = models.DateTimeField(_("due"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decision_comment = models.TextField(_("decision"), blank=True)
    details = models.JSONField(_("details"), default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One open request per subject."""

        verbose_name = _("approval request")
        verbose_name_plural = _("approval requests")
        ordering = ("due_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("subject_type", "subject_id"),
                condition=Q(status__in=[str(status) for status in OPEN_STATUSES]),
                name="approvals_request_one_open",
            ),
        )
        indexes = (models.Index(fields=("status", "due_at"), name="approvals_request_queue"),)

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether a decision is still wanted."""
        return self.status in OPEN_STATUSES


class ApprovalComment(Entity):
    """Something said about a request; internal comments are for the back office only."""

    id_prefix = "apc"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    body = models.TextField(_("comment"))
    is_internal = models.BooleanField(_("internal"), default=True)

    class Meta:
        """Oldest first, as a conversation reads."""

        verbose_name = _("approval comment")
        verbose_name_plural = _("approval comments")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.body[:60]


class ApprovalHistory(Entity):
    """One change of a request: who, when, from what to what."""

    id_prefix = "aph"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="history")
    actor_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor_label = models.CharField(_("actor"), max_length=200)
    action = models.CharField(_("action"), max_length=40)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    comment = models.TextField(_("comment"), blank=True)

    class Meta:
        """Oldest first."""

        verbose_name = _("approval history")
        verbose_name_plural = _("approval history")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.action


class SlaPolicy(Entity):
    """How many hours a decision may take, by subject type and priority. Empty type: the default."""

    id_prefix = "sla"

    subject_type = models.CharField(_("subject type"), max_length=60, blank=True)
    priority = models.CharField(_("priority"), max_length=8, choices=Priority)
    resolution_hours = models.PositiveIntegerField(_("hours to a decision"))

    class Meta:
        """One policy per type and priority."""

        verbose_name = _("SLA policy")
        verbose_name_plural = _("SLA policies")
        constraints = (
            models.UniqueConstraint(
                fields=("subject_type", "priority"), name="approvals_sla_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject_type or '*'} {self.priority}: {self.resolution_hours} h"
