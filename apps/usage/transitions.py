"""Moves of exports."""

from typing import Final

from apps.core.transitions import StateMachine
from apps.usage.enums import ExportStatus as E

EXPORT: Final = StateMachine(
    {
        E.QUEUED: {E.RUNNING, E.CANCELLED, E.FAILED},
        # A job that is delivered again after its worker died starts over.
        E.RUNNING: {E.RUNNING, E.READY, E.CANCELLED, E.FAILED},
        E.READY: {E.EXPIRED},
    }
)
