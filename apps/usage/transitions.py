"""Moves of exports and archives."""

from typing import Final

from apps.core.transitions import StateMachine
from apps.usage.enums import ArchiveStatus as A
from apps.usage.enums import ExportStatus as E

EXPORT: Final = StateMachine(
    {
        E.QUEUED: {E.RUNNING, E.CANCELLED, E.FAILED},
        # A job that is delivered again after its worker died starts over.
        E.RUNNING: {E.RUNNING, E.READY, E.CANCELLED, E.FAILED},
        E.READY: {E.EXPIRED},
    }
)
ARCHIVE: Final = StateMachine(
    {
        A.WRITTEN: {A.VERIFIED, A.REMOVED},
        A.VERIFIED: {A.WRITTEN, A.ONLY_COPY, A.REMOVED},
        A.ONLY_COPY: {A.REMOVED},
    }
)
