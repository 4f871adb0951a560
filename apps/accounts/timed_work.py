"""What time brings about in an organization: a registry that the apps above fill.

A sandbox's test clock that jumps stops at each moment that one of these kinds of work names, and lets the due work happen there,
so that a jump over several moments is lived through in their order. The same services run on a schedule for everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final, Protocol
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor

CLOCK: Final = Actor.system("test clock")
NextDue = Callable[[Organization, datetime | None], datetime | None]


class DueService(Protocol):
    """A service that does what is due, of everybody or of one organization."""

    def __call__(self, *, actor: Actor, organization_id: UUID | None = None) -> int:
        """Do it; return how many."""


class Turn(IntEnum):
    """Who comes first at one and the same moment."""

    NOTICES = 10
    TRIALS = 20
    PLAN_CHANGES = 30
    ENDS = 40
    KEYS = 50
    PERIODS = 60
    BILLS = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWork:
    """A kind of work that falls due by an account's business time.

    Attributes:
        name: for the record of a jump, such as `subscriptions.trials`.
        label: what has happened, in the plural, such as "Trials that ended".
        turn: place among works that are due at the same moment.
        next_due: the earliest moment of the organization's business time at which there is something to do, after the given
            moment; also one that is past, where no moment is given. None if nothing is planned.
        happen: does what is due now, of this organization alone; returns how many things happened. May be called again.
        waits: whether something due cannot be done yet, such as a period whose calls are on their way.
    """

    name: str
    label: str | Promise
    turn: Turn
    next_due: NextDue
    happen: Callable[[Organization], int]
    waits: Callable[[Organization], bool] = lambda _organization: False


_works: dict[str, TimedWork] = {}


def register_timed_work(*works: TimedWork) -> None:
    """Add kinds of work; called by `AppConfig.ready` of the app that knows them."""
    _works.update((work.name, work) for work in works)


def timed_works() -> list[TimedWork]:
    """Return every kind of work, in the order of its turn; within one turn as they were registered."""
    return sorted(_works.values(), key=lambda work: work.turn)


def label_of(name: str) -> str | Promise:
    """Return what a kind of work says has happened; its own name once it is gone."""
    work = _works.get(name)
    return work.label if work else name


def next_moment(organization: Organization, after: datetime | None) -> datetime | None:
    """Return the earliest moment at which any work falls due, after a moment already handled."""
    moments = (work.next_due(organization, after) for work in timed_works())
    return min((moment for moment in moments if moment is not None), default=None)


def happens(service: DueService) -> Callable[[Organization], int]:
    """Return what lets a service do what is due of one organization."""
    return lambda organization: service(actor=CLOCK, organization_id=organization.pk)


def notice_due(
    rows: QuerySet[Any],
    field: str,
    *,
    days: Iterable[int],
    organization: Organization,
    after: datetime | None,
) -> datetime | None:
    """Return when people are next told, so many days ahead, of a moment in one of the rows' columns. A query for each lead.

    What should have been told before now is told at the first stop.
    """
    begin = after or clock.business_now(organization)
    moments = (before(rows, field, timedelta(days=each), begin) for each in days)
    return min((at for at in moments if at is not None), default=None)


def before(
    rows: QuerySet[Any], field: str, lead: timedelta, after: datetime | None
) -> datetime | None:
    """Return the earliest moment that lies a lead before a column's, after the given moment. One query."""
    moment = earliest(rows, field, after + lead if after is not None else None)
    return moment - lead if moment is not None else None


def earliest(rows: QuerySet[Any], field: str, after: datetime | None) -> datetime | None:
    """Return the earliest value of a moment among rows, after the given one. One query.

    `rows` is a queryset; `field` names a column or an annotation.
    """
    found = rows.exclude(**{field: None})
    if after is not None:
        found = found.filter(**{f"{field}__gt": after})
    moment: datetime | None = found.order_by(field).values_list(field, flat=True).first()
    return moment
