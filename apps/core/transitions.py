"""State machines as data: which status may follow which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.core.exceptions import InvalidTransition


class StateMachine:
    """Allowed moves between the values of one status field.

    A service that moves an object locks the row, calls `require`, assigns the status and saves; nothing
    else assigns a status.
    """

    def __init__(self, moves: Mapping[str, Iterable[str]]) -> None:
        """Keep the table `current -> allowed next`."""
        self._moves = {
            str(current): frozenset(map(str, allowed)) for current, allowed in moves.items()
        }

    def allows(self, current: str, wanted: str) -> bool:
        """Whether the move is in the table."""
        return str(wanted) in self._moves.get(str(current), frozenset())

    def require(self, current: str, wanted: str) -> None:
        """Refuse a move that the table does not know.

        Raises:
            InvalidTransition: 409, naming both states.
        """
        if not self.allows(current, wanted):
            raise InvalidTransition(current=str(current), wanted=str(wanted))

    def allowed_from(self, current: str) -> frozenset[str]:
        """Return the states that may follow."""
        return self._moves.get(str(current), frozenset())

    @property
    def states(self) -> frozenset[str]:
        """Every state that the table names."""
        return frozenset(self._moves).union(*self._moves.values())

    @property
    def terminal(self) -> frozenset[str]:
        """States without a way out."""
        return frozenset(state for state in self.states if not self.allowed_from(state))
