"""What the queue can be narrowed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from apps.approvals import selectors
from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import subject_types
from apps.core.admin import staff_actor

Rows = QuerySet[ApprovalRequest]
Lookups = Iterable[tuple[str, Any]]

OPEN: Final = Q(status__in=OPEN_STATUSES)
# Another organization decides it, and it was never escalated.
DELEGATED: Final = Q(deciding_organization__isnull=False, escalated_at=None)
MINE: Final = "mine"
NOBODY: Final = "nobody"


class QueueFilter(admin.SimpleListFilter):
    """Undecided requests first: what the queue is opened for."""

    title = gettext_lazy("queue")
    parameter_name = "queue"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]) -> Lookups:
        """Offer what there is beside the open ones."""
        return (
            ("overdue", gettext_lazy("overdue")),
            ("waiting", gettext_lazy("waiting for the requester")),
            ("delegated", gettext_lazy("decided by an organization")),
            ("escalated", gettext_lazy("escalated")),
            ("approved", gettext_lazy("approved")),
            ("rejected", gettext_lazy("rejected")),
            ("decided", gettext_lazy("all that are closed")),
            ("all", gettext_lazy("all")),
        )

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Call the default what it is."""
        first, *others = super().choices(changelist)
        yield {**first, "display": gettext_lazy("open")}
        yield from others

    def queryset(self, _request: HttpRequest, rows: Rows) -> Rows:
        """Keep what was chosen."""
        match self.value():
            case "all":
                return rows
            case "decided":
                return rows.exclude(OPEN)
            case "overdue":
                return rows.filter(~DELEGATED, selectors.overdue_filter())
            case "delegated":
                return rows.filter(OPEN, DELEGATED)
            case ("waiting" | "escalated" | "approved" | "rejected") as name:
                status = ApprovalStatus.INFO_REQUESTED if name == "waiting" else name
                return rows.filter(status=status)
            case _:
                return rows.filter(OPEN).exclude(DELEGATED)


class SubjectFilter(admin.SimpleListFilter):
    """By what is asked."""

    title = gettext_lazy("subject")
    parameter_name = "subject_type"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]) -> Lookups:
        """Offer the registered subjects."""
        return subject_types()

    def queryset(self, _request: HttpRequest, rows: Rows) -> Rows:
        """Keep that subject's requests."""
        return rows.filter(subject_type=self.value()) if self.value() else rows


class AssigneeFilter(admin.SimpleListFilter):
    """By who has them: mine, nobody's, a colleague's."""

    title = gettext_lazy("assignee")
    parameter_name = "assignee"

    def lookups(self, request: HttpRequest, _model_admin: admin.ModelAdmin[Any]) -> Lookups:
        """Offer oneself, nobody, and the colleagues."""
        own = staff_actor(request).user_id
        colleagues = [person for person in selectors.list_assignable_staff() if person.pk != own]
        return (
            (MINE, gettext_lazy("mine")),
            (NOBODY, gettext_lazy("nobody's")),
            *((str(person.pk), person.get_full_name()) for person in colleagues),
        )

    def queryset(self, request: HttpRequest, rows: Rows) -> Rows:
        """Keep that person's requests; a garbled name keeps none."""
        match self.value():
            case None:
                return rows
            case "mine":
                return rows.filter(assignee_id=staff_actor(request).user_id)
            case "nobody":
                return rows.filter(assignee=None)
            case person:
                try:
                    return rows.filter(assignee_id=UUID(person))
                except ValueError:
                    return rows.none()
