"""Moves of an API, and of its versions."""

from typing import Final

from apps.apis.enums import ApiStatus as S
from apps.apis.enums import VersionStatus as V
from apps.core.transitions import StateMachine

API: Final = StateMachine(
    {
        S.DRAFT: {S.SUBMITTED},
        S.SUBMITTED: {S.PENDING_APPROVAL, S.APPROVED, S.REJECTED},
        S.PENDING_APPROVAL: {S.APPROVED, S.REJECTED},
        S.APPROVED: {S.REGISTERING},
        S.REGISTERING: {S.ACTIVE, S.FAILED},
        S.FAILED: {S.REGISTERING},
        S.ACTIVE: {S.SUSPENDED, S.DEPRECATED},
        S.SUSPENDED: {S.ACTIVE},
        S.REJECTED: {S.DRAFT},
        S.DEPRECATED: {S.RETIRED},
    }
)
# Announcing a sunset again moves its date.
VERSION: Final = StateMachine(
    {
        V.DRAFT: {V.PUBLISHED},
        V.PUBLISHED: {V.DEPRECATED},
        V.DEPRECATED: {V.DEPRECATED, V.RETIRED},
    }
)
