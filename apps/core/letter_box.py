"""Reads of dead letters."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from apps.core.enums import DeadLetterState
from apps.core.exceptions import InvalidInput, NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import DeadLetter


@dataclass(frozen=True, slots=True)
class LetterCounts:
    """How many dead letters of a source stand in which state."""

    source: str
    open: int
    retried: int
    discarded: int


def list_dead_letters(
    *, source: str = "", state: str = "", reference: str = ""
) -> QuerySet[DeadLetter]:
    """Return dead letters by source, state and what they are about.

    Raises:
        InvalidInput: no such state.
    """
    rows = DeadLetter.objects.all()
    if source:
        rows = rows.filter(source=source)
    if reference:
        rows = rows.filter(reference=reference)
    if not state:
        return rows
    if state not in DeadLetterState.values:
        raise InvalidInput(f"`state` is one of {', '.join(DeadLetterState.values)}", field="state")
    if state == DeadLetterState.OPEN:
        return rows.filter(resolved_at=None)
    return rows.filter(resolution=state)


def get_dead_letter(public_id: str) -> DeadLetter:
    """Return a dead letter.

    Raises:
        NotFound: no such letter.
    """
    try:
        pk = parse_public_id(DeadLetter.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    letter = DeadLetter.objects.filter(pk=pk).first()
    if letter is None:
        raise NotFound
    return letter


def count_dead_letters() -> list[LetterCounts]:
    """Return how many there are by source and state."""
    rows = DeadLetter.objects.values_list("source", "resolution").annotate(Count("id"))
    found: dict[str, dict[str, int]] = {}
    for source, resolution, count in rows.order_by("source"):
        found.setdefault(source, {})[resolution or DeadLetterState.OPEN.value] = count
    return [
        LetterCounts(
            source=source,
            open=counts.get(DeadLetterState.OPEN, 0),
            retried=counts.get(DeadLetterState.RETRIED, 0),
            discarded=counts.get(DeadLetterState.DISCARDED, 0),
        )
        for source, counts in found.items()
    ]
