"""Moves of a key."""

from typing import Final

from apps.core.transitions import StateMachine
from apps.keys.enums import KeyStatus as S

KEY: Final = StateMachine(
    {
        S.PENDING: {S.ACTIVE, S.FAILED_SYNC, S.REVOKED},
        S.FAILED_SYNC: {S.ACTIVE, S.REVOKED},
        S.ACTIVE: {S.SUSPENDED, S.ROTATING, S.EXPIRED, S.REVOKED},
        S.SUSPENDED: {S.ACTIVE, S.EXPIRED, S.REVOKED},
        S.ROTATING: {S.REVOKED},
    }
)
