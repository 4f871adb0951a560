"""What differs between two revisions of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from apps.pricing.catalogue.problems import pointer_to

MAX_DIFFERENCES: Final = 500
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that was added, removed or changed."""

    kind: Literal["added", "removed", "changed"]
    pointer: str
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return it as it is answered."""
        return asdict(self)


def differences(before: Any, after: Any) -> list[Difference]:
    """Return what differs, by the names of its places; at most `MAX_DIFFERENCES`."""
    found = []
    for difference in _compare(before, after, ""):
        found.append(difference)
        if len(found) == MAX_DIFFERENCES:
            break
    return found


def _compare(before: Any, after: Any, pointer: str) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            place = pointer + pointer_to(name)
            yield from _compare(before.get(name, _MISSING), after.get(name, _MISSING), place)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else _MISSING
            new = after[index] if index < len(after) else _MISSING
            yield from _compare(old, new, f"{pointer}/{index}")
    elif before is _MISSING:
        yield Difference("added", pointer, after=after)
    elif after is _MISSING:
        yield Difference("removed", pointer, before=before)
    elif before != after:
        yield Difference("changed", pointer, before, after)
