"""Shippers, as operators see them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.core import clock
from apps.core.exceptions import NotFound
from apps.usage.constants import SHIPPER_SILENT_AFTER
from apps.usage.models import ShipperState


@dataclass(frozen=True, slots=True)
class ShipperStanding:
    """One node's shipper: `reporting`, `silent` or `retired`."""

    state: ShipperState
    status: str

    @property
    def can_be_retired(self) -> bool:
        """Whether it is silent, so that nothing waits in vain for somebody who speaks."""
        return self.status == "silent"


def shippers() -> QuerySet[ShipperState]:
    """Return the shippers that ever reported, by node."""
    return ShipperState.objects.order_by("node")


def serving_shippers() -> QuerySet[ShipperState]:
    """Return the shippers that closing waits for: those that are not retired."""
    return ShipperState.objects.filter(retired_at=None)


def shipper_standings() -> list[ShipperStanding]:
    """Return every shipper with how it stands. One query."""
    return [ShipperStanding(state, shipper_status(state)) for state in shippers()]


def shipper_status(state: ShipperState) -> str:
    """Return `reporting`, `silent` or `retired`."""
    if state.retired_at is not None:
        return "retired"
    is_silent = clock.now() - state.reported_at > SHIPPER_SILENT_AFTER
    return "silent" if is_silent else "reporting"


def get_shipper(node: str) -> ShipperState:
    """Return a node's shipper.

    Raises:
        NotFound: no shipper of that name has reported.
    """
    state = ShipperState.objects.filter(pk=node).first()
    if state is None:
        raise NotFound
    return state
