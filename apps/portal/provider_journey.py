"""An API's way from draft to live, as the steps that its page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.apis.next_steps import next_step_of
from apps.apis.selectors.listings import is_suspended_by_operator

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
    is_resumable: bool = True


_LABELS: Final = (_("Draft"), _("Review"), _("Gateway"), _("Live"))
_PLACES: Final = {
    ApiStatus.DRAFT: 0,
    ApiStatus.REJECTED: 0,
    ApiStatus.SUBMITTED: 1,
    ApiStatus.PENDING_APPROVAL: 1,
    ApiStatus.APPROVED: 2,
    ApiStatus.REGISTERING: 2,
    ApiStatus.FAILED: 2,
    ApiStatus.ACTIVE: 3,
    ApiStatus.DEPRECATED: 3,
    ApiStatus.SUSPENDED: 3,
    ApiStatus.RETIRED: 3,
}
_FAILED: Final = frozenset({ApiStatus.REJECTED, ApiStatus.FAILED, ApiStatus.SUSPENDED})
_ARRIVED: Final = frozenset({ApiStatus.ACTIVE, ApiStatus.DEPRECATED})


def journey_of(api: Api) -> Journey:
    """Return the steps of an API, what is next, and whether its provider may resume it."""
    current = ApiStatus(api.status)
    place = _PLACES[current]
    here = "failed" if current in _FAILED else "done" if current in _ARRIVED else "current"
    states = [
        "done" if index < place else here if index == place else "ahead"
        for index in range(len(_LABELS))
    ]
    steps = tuple(Step(label, state) for label, state in zip(_LABELS, states, strict=True))
    by_operator = is_suspended_by_operator(api)
    sentence = next_step_of(api, by_operator=by_operator)
    return Journey(steps, sentence, is_resumable=not by_operator)
