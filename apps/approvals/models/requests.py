"""Requests that somebody must decide, whatever they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import StaffRole
from apps.accounts.models import Organization
from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus, Priority
from apps.core import clock
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet

if TYPE_CHECKING:
    from apps.core.actors import Actor


class ApprovalRequestQuerySet(TenantQuerySet["ApprovalRequest"]):
    """Requests, read by who asked and by the organization that decides."""

    tenant_fields = ("organization_id", "deciding_organization_id")

    def visible_to(self, actor: Actor) -> Self:
        """Keep what the actor's organization asked or decides, and what the person asked for themselves."""
        if actor.sees_every_tenant:
            return self.all()
        scope = Q(organization=None, requested_by_id=actor.user_id, requested_by__isnull=False)
        if actor.organization_id is not None:
            for name in self.tenant_fields:
                scope |= Q(**{name: actor.organization_id})
        return self.filter(scope)

    def for_back_office(self) -> Self:
        """Keep what staff may decide: not what another organization decides, unless it was escalated."""
        return self.filter(Q(deciding_organization=None) | Q(escalated_at__isnull=False))


class ApprovalRequest(Entity):
    """A request for a decision about a subject that a handler knows (`subject_type`).

    Without an organization it is a person's own: only they see it, answer and withdraw. With a deciding organization its
    members decide, and the back office only once it was escalated.
    """

    id_prefix = "apr"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    deciding_organization = models.ForeignKey(
        Organization,
        verbose_name=_("deciding organization"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
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
    # The deadlines that the SLA policy gave; `waiting_since` stops them while the requester is asked.
    due_at = models.DateTimeField(_("due"))
    response_due_at = models.DateTimeField(_("response due"), null=True, blank=True)
    first_response_at = models.DateTimeField(_("first response"), null=True, blank=True)
    uses_business_hours = models.BooleanField(_("business hours"), default=False, db_default=False)
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    escalate_at = models.DateTimeField(_("escalates"), null=True, blank=True)
    escalate_to = models.CharField(
        _("escalates to"),
        max_length=12,
        default=StaffRole.OPERATOR,
        db_default=StaffRole.OPERATOR.value,
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # What happened to the deadlines; each is noted once.
    breached_at = models.DateTimeField(_("decision overdue since"), null=True, blank=True)
    response_breached_at = models.DateTimeField(_("response overdue since"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    escalated_to_role = models.CharField(
        _("escalated to"), max_length=12, blank=True, default="", db_default=""
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decision_comment = models.TextField(_("decision"), blank=True)
    # What the requester has to do beside; plain sentences.
    conditions = models.JSONField(
        _("conditions"), default=list, db_default=Value([], models.JSONField()), blank=True
    )
    details = models.JSONField(_("details"), default=dict)

    objects = ApprovalRequestQuerySet.as_manager()

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
            models.CheckConstraint(
                condition=Q(deciding_organization=None)
                | Q(organization=None)
                | ~Q(deciding_organization=F("organization")),
                name="approvals_request_two_sides",
            ),
        )
        indexes = (
            models.Index(fields=("status", "due_at"), name="approvals_request_queue"),
            models.Index(fields=("decided_at",), name="approvals_request_decided"),
            models.Index(fields=("created_at",), name="approvals_request_created"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def asker(self) -> str:
        """Who asks: the organization, or the person who asks for themselves."""
        if self.organization is not None:
            return self.organization.name
        return self.requested_by.get_full_name() if self.requested_by else ""

    @property
    def is_with_back_office(self) -> bool:
        """Whether staff may decide it: always, unless another organization decides and it was never escalated."""
        return self.deciding_organization_id is None or self.escalated_at is not None

    @property
    def is_open(self) -> bool:
        """Whether a decision is still wanted."""
        return self.status in OPEN_STATUSES

    @property
    def is_overdue(self) -> bool:
        """Whether an open request's deadline has passed; it stands still while the requester is asked."""
        return self.is_open and self.waiting_since is None and self.due_at < clock.now()


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
