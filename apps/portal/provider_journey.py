"""An API's way from draft to live, as the steps that its page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.apis.enums import ApiStatus

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `done`, `current`, `failed` or `ahead`."""

    label: Text
    state: str


@dataclass(frozen=True, slots=True)
class Journey:
    """The steps, and one sentence that says what is next."""

    steps: tuple[Step, ...]
    next: Text


_LABELS: Final = (_("Draft"), _("Review"), _("Gateway"), _("Live"))
_PLACES: Final = {
    ApiStatus.DRAFT: (0, _("Complete what is missing, then submit it.")),
    ApiStatus.REJECTED: (
        0,
        _("Read the reviewer's comment, change the listing and submit it again."),
    ),
    ApiStatus.SUBMITTED: (1, _("It is being checked.")),
    ApiStatus.PENDING_APPROVAL: (1, _("An approver decides; you will be told by e-mail.")),
    ApiStatus.APPROVED: (2, _("It is approved and goes to the gateway next.")),
    ApiStatus.REGISTERING: (2, _("Every gateway node is learning it; that takes seconds.")),
    ApiStatus.FAILED: (2, _("The gateway could not learn it. Read the reason and try again.")),
    ApiStatus.ACTIVE: (3, _("It is live: calls reach your upstream.")),
    ApiStatus.DEPRECATED: (3, _("Subscribers may go on; nobody new can subscribe.")),
    ApiStatus.SUSPENDED: (3, _("Calls are refused until it is resumed.")),
    ApiStatus.RETIRED: (3, _("It is gone; its rows stay for the invoices that name them.")),
}
_FAILED: Final = frozenset({ApiStatus.REJECTED, ApiStatus.FAILED, ApiStatus.SUSPENDED})
_ARRIVED: Final = frozenset({ApiStatus.ACTIVE, ApiStatus.DEPRECATED})


def journey_of(status: str) -> Journey:
    """Return the steps of an API in that status, and what is next."""
    current = ApiStatus(status)
    place, sentence = _PLACES[current]
    here = "failed" if current in _FAILED else "done" if current in _ARRIVED else "current"
    states = [
        "done" if index < place else here if index == place else "ahead"
        for index in range(len(_LABELS))
    ]
    steps = tuple(Step(label, state) for label, state in zip(_LABELS, states, strict=True))
    return Journey(steps, sentence)
