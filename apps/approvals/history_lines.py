"""The history of a request in words: which of its fields changed, from what to what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.models import ApprovalHistory, ApprovalRequest
from apps.core.formatting import format_time

NOTHING: Final = "–"
PEOPLE: Final = frozenset({"assignee_id", "decided_by_id"})
# The line itself shows these: when it was decided, by whom, and the comment.
TOLD_ANYWAY: Final = frozenset({"decided_at", "decided_by_id", "decision_comment"})
WORDS: Final[dict[str, dict[str, Any]]] = {
    "status": dict(ApprovalStatus.choices),
    "priority": dict(Priority.choices),
}
TITLES: Final[dict[str, Any]] = {
    "requested": gettext_lazy("Requested"),
    "assigned": gettext_lazy("Assigned"),
    "priority_changed": gettext_lazy("Priority changed"),
    "sla_breached": gettext_lazy("Deadline missed"),
    ApprovalStatus.PENDING: gettext_lazy("Answered"),
    ApprovalStatus.INFO_REQUESTED: gettext_lazy("Information requested"),
    ApprovalStatus.ESCALATED: gettext_lazy("Escalated"),
    ApprovalStatus.APPROVED: gettext_lazy("Approved"),
    ApprovalStatus.REJECTED: gettext_lazy("Rejected"),
    ApprovalStatus.EXPIRED: gettext_lazy("Expired"),
    ApprovalStatus.CANCELLED: gettext_lazy("Withdrawn"),
}


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change of a request."""

    title: str | Promise
    at: datetime
    by: str
    comment: str
    changes: tuple[ChangedField, ...]


def describe_history(rows: Iterable[ApprovalHistory]) -> list[HistoryLine]:
    """Return the changes in words, the newest first."""
    entries = list(rows)
    names = _names_of(entries)
    return [
        HistoryLine(
            title=TITLES.get(entry.action, entry.action.replace("_", " ").capitalize()),
            at=entry.created_at,
            by=entry.actor_label,
            comment=entry.comment,
            changes=tuple(_changes(entry, names)),
        )
        for entry in reversed(entries)
    ]


def _changes(entry: ApprovalHistory, names: dict[str, str]) -> Iterable[ChangedField]:
    for name, after in entry.after.items():
        if name in TOLD_ANYWAY:
            continue
        yield ChangedField(
            _label(name),
            _shown(name, entry.before.get(name), names),
            _shown(name, after, names),
        )


def _names_of(entries: list[ApprovalHistory]) -> dict[str, str]:
    """Look up everybody whom the history names, at once."""
    keys = {
        str(values[name])
        for entry in entries
        for values in (entry.before, entry.after)
        for name in PEOPLE - TOLD_ANYWAY
        if values.get(name)
    }
    people = User.objects.filter(pk__in=[UUID(key) for key in keys]) if keys else ()
    return {str(person.pk): person.get_full_name() for person in people}


def _label(name: str) -> str:
    try:
        field = ApprovalRequest._meta.get_field(name.removesuffix("_id"))
    except FieldDoesNotExist:
        return name.replace("_", " ")
    return str(getattr(field, "verbose_name", name))


def _shown(name: str, value: Any, names: dict[str, str]) -> str:
    if value in (None, "", []):
        return NOTHING
    if name in PEOPLE:
        return names.get(str(value), _("somebody who is gone"))
    if isinstance(value, list):
        return "; ".join(str(item) for item in value)
    words = WORDS.get(name, {})
    instant = parse_datetime(str(value)) if name.endswith(("_at", "_since")) else None
    return format_time(instant, "short") if instant else str(words.get(str(value), value))
