"""How the states of the state machines look and read: one tone and one translated word each.

The words are the machines' own (docs/architecture); a state that is missing here is shown neutral, with
its own name, and `tests/apps/core/test_states.py` names it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

Tone = Literal["neutral", "ok", "warn", "bad", "info", "accent"]


class StateLook(NamedTuple):
    """What a badge needs: its tone, its word, and whether something is still moving."""

    tone: Tone
    label: str | Promise
    is_moving: bool = False


STATES: Final[dict[str, StateLook]] = {
    "accepted": StateLook("ok", pgettext_lazy("state", "Accepted")),
    "accrued": StateLook("info", pgettext_lazy("state", "Accrued")),
    "active": StateLook("ok", pgettext_lazy("state", "Active")),
    "advancing": StateLook("info", pgettext_lazy("state", "Advancing"), is_moving=True),
    "applied": StateLook("ok", pgettext_lazy("state", "Applied")),
    "approved": StateLook("ok", pgettext_lazy("state", "Approved")),
    "available": StateLook("ok", pgettext_lazy("state", "Available")),
    "called_off": StateLook("neutral", pgettext_lazy("state", "Called off")),
    "cancelled": StateLook("neutral", pgettext_lazy("state", "Cancelled")),
    "clawed_back": StateLook("bad", pgettext_lazy("state", "Taken back")),
    "closed": StateLook("neutral", pgettext_lazy("state", "Closed")),
    "closing": StateLook("info", pgettext_lazy("state", "Closing"), is_moving=True),
    "completed": StateLook("ok", pgettext_lazy("state", "Completed")),
    "conflict": StateLook("warn", pgettext_lazy("state", "Conflict")),
    "corrected": StateLook("warn", pgettext_lazy("state", "Corrected")),
    "dead": StateLook("bad", pgettext_lazy("state", "Given up")),
    "dead_letter": StateLook("bad", pgettext_lazy("state", "Dead letter")),
    "degraded": StateLook("warn", pgettext_lazy("state", "Degraded")),
    "delivered": StateLook("ok", pgettext_lazy("state", "Delivered")),
    "deprecated": StateLook("warn", pgettext_lazy("state", "Deprecated")),
    "disabled": StateLook("neutral", pgettext_lazy("state", "Disabled")),
    "discarded": StateLook("neutral", pgettext_lazy("state", "Discarded")),
    "disputed": StateLook("bad", pgettext_lazy("state", "Disputed")),
    "done": StateLook("ok", pgettext_lazy("state", "Done")),
    "down": StateLook("bad", pgettext_lazy("state", "Down")),
    "draft": StateLook("neutral", pgettext_lazy("state", "Draft")),
    "dropped": StateLook("neutral", pgettext_lazy("state", "Let go")),
    "duplicate": StateLook("neutral", pgettext_lazy("state", "Duplicate")),
    "enabled": StateLook("ok", pgettext_lazy("state", "Enabled")),
    "equal": StateLook("ok", pgettext_lazy("state", "Equal")),
    "escalated": StateLook("warn", pgettext_lazy("state", "Escalated")),
    "exhausted": StateLook("bad", pgettext_lazy("state", "Given up")),
    "expired": StateLook("neutral", pgettext_lazy("state", "Expired")),
    "failed": StateLook("bad", pgettext_lazy("state", "Failed")),
    "failed_sync": StateLook("bad", pgettext_lazy("state", "Sync failed")),
    "found": StateLook("info", pgettext_lazy("state", "Found")),
    "healed": StateLook("warn", pgettext_lazy("state", "Healed")),
    "healthy": StateLook("ok", pgettext_lazy("state", "Healthy")),
    "incomplete": StateLook("warn", pgettext_lazy("state", "Incomplete")),
    "info_requested": StateLook("warn", pgettext_lazy("state", "Information requested")),
    "locked": StateLook("info", pgettext_lazy("state", "Locked")),
    "only_copy": StateLook("ok", pgettext_lazy("state", "Only copy")),
    "open": StateLook("info", pgettext_lazy("state", "Open")),
    "overdue": StateLook("bad", pgettext_lazy("state", "Overdue")),
    "paid": StateLook("ok", pgettext_lazy("state", "Paid")),
    "partially_refunded": StateLook("warn", pgettext_lazy("state", "Partially refunded")),
    "past_due": StateLook("bad", pgettext_lazy("state", "Past due")),
    "paused": StateLook("neutral", pgettext_lazy("state", "Paused")),
    "payable": StateLook("accent", pgettext_lazy("state", "Payable")),
    "pending": StateLook("info", pgettext_lazy("state", "Pending"), is_moving=True),
    "pending_approval": StateLook(
        "info", pgettext_lazy("state", "Waiting for approval"), is_moving=True
    ),
    "processed": StateLook("ok", pgettext_lazy("state", "Processed")),
    "processing": StateLook("info", pgettext_lazy("state", "Processing"), is_moving=True),
    "proven": StateLook("ok", pgettext_lazy("state", "Proven")),
    "published": StateLook("ok", pgettext_lazy("state", "Published")),
    "queued": StateLook("info", pgettext_lazy("state", "Queued"), is_moving=True),
    "ready": StateLook("ok", pgettext_lazy("state", "Ready")),
    "refunded": StateLook("neutral", pgettext_lazy("state", "Refunded")),
    "refused": StateLook("bad", pgettext_lazy("state", "Refused")),
    "registering": StateLook("info", pgettext_lazy("state", "Registering"), is_moving=True),
    "rejected": StateLook("bad", pgettext_lazy("state", "Rejected")),
    "removed": StateLook("neutral", pgettext_lazy("state", "Removed")),
    "replaced": StateLook("neutral", pgettext_lazy("state", "Replaced")),
    "requested": StateLook("info", pgettext_lazy("state", "Waiting for approval"), is_moving=True),
    "requires_action": StateLook("warn", pgettext_lazy("state", "Needs your action")),
    "retried": StateLook("ok", pgettext_lazy("state", "Retried")),
    "retired": StateLook("neutral", pgettext_lazy("state", "Retired")),
    "revised": StateLook("ok", pgettext_lazy("state", "Revised")),
    "revoked": StateLook("bad", pgettext_lazy("state", "Revoked")),
    "revoking": StateLook("warn", pgettext_lazy("state", "Revoking"), is_moving=True),
    "rotating": StateLook("info", pgettext_lazy("state", "Rotating"), is_moving=True),
    "running": StateLook("info", pgettext_lazy("state", "Running"), is_moving=True),
    "scheduled": StateLook("info", pgettext_lazy("state", "Scheduled")),
    "settled": StateLook("ok", pgettext_lazy("state", "Settled")),
    "stale": StateLook("warn", pgettext_lazy("state", "Stale")),
    "stored": StateLook("ok", pgettext_lazy("state", "Stored")),
    "submitted": StateLook("info", pgettext_lazy("state", "Submitted"), is_moving=True),
    "succeeded": StateLook("ok", pgettext_lazy("state", "Succeeded")),
    "suspended": StateLook("bad", pgettext_lazy("state", "Suspended")),
    "trialing": StateLook("accent", pgettext_lazy("state", "On trial")),
    "uncollectible": StateLook("bad", pgettext_lazy("state", "Uncollectible")),
    "unchanged": StateLook("neutral", pgettext_lazy("state", "Unchanged")),
    "unconfirmed": StateLook("warn", pgettext_lazy("state", "Unconfirmed")),
    "unexplained": StateLook("bad", pgettext_lazy("state", "Unexplained")),
    "unknown": StateLook("neutral", pgettext_lazy("state", "Unknown")),
    "up": StateLook("ok", pgettext_lazy("state", "Up")),
    "verified": StateLook("ok", pgettext_lazy("state", "Verified")),
    "void": StateLook("neutral", pgettext_lazy("state", "Void")),
    "waiting": StateLook("info", pgettext_lazy("state", "Waiting"), is_moving=True),
    "waived": StateLook("neutral", pgettext_lazy("state", "Waived")),
    "wanted": StateLook("info", pgettext_lazy("state", "Wanted"), is_moving=True),
    "withdrawn": StateLook("neutral", pgettext_lazy("state", "Taken back")),
    "written": StateLook("info", pgettext_lazy("state", "Written"), is_moving=True),
}


def look_of(state: str) -> StateLook:
    """Return how a state is shown; an unlisted one is neutral and reads as its own name."""
    return STATES.get(state) or StateLook("neutral", state.replace("_", " ").capitalize())
