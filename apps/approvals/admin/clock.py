"""The SLA clock of a request, as the queue and the review page show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalRequest
from apps.core import clock
from apps.core.formatting import format_duration

# Less than this share of the time is left: it is time to begin.
SOON_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class SlaClock:
    """A state for a badge, and what is left or over in words; `note` says what else is late."""

    state: str
    label: str
    tone: str
    text: str
    note: str = ""


def sla_clock(request: ApprovalRequest) -> SlaClock | None:
    """Return an open request's clock: paused, overdue, or how much time is left."""
    if not request.is_open:
        return None
    now = clock.now()
    if request.waiting_since is not None:
        left = max(request.due_at - request.waiting_since, timedelta(0))
        text = _("%(span)s left when the requester answers") % {"span": format_duration(left)}
        return SlaClock("paused", _("Paused"), "neutral", text)
    note = _late_response(request)
    left = request.due_at - now
    if left < timedelta(0):
        text = _("%(span)s late") % {"span": format_duration(-left)}
        return SlaClock("overdue", _("Overdue"), "bad", text, note)
    text = _("%(span)s left") % {"span": format_duration(left)}
    is_soon = left * SOON_SHARE < request.due_at - request.created_at
    tone, label = ("warn", _("Due soon")) if is_soon else ("ok", _("In time"))
    return SlaClock("running", label, tone, text, note)


def _late_response(request: ApprovalRequest) -> str:
    due = request.response_due_at
    if due is None or request.first_response_at is not None:
        return ""
    left = due - clock.now()
    if left < timedelta(0):
        return _("first response %(span)s late") % {"span": format_duration(-left)}
    return _("first response within %(span)s") % {"span": format_duration(left)}
