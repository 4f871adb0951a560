"""Moves of an approval request."""

from typing import Final

from apps.approvals.enums import ApprovalStatus as S
from apps.core.transitions import StateMachine

APPROVAL: Final = StateMachine(
    {
        S.PENDING: {
            S.APPROVED, S.REJECTED, S.INFO_REQUESTED, S.ESCALATED, S.EXPIRED, S.CANCELLED,
        },
        S.INFO_REQUESTED: {S.PENDING},
        S.ESCALATED: {S.APPROVED, S.REJECTED, S.EXPIRED, S.CANCELLED},
    }
)  # fmt: skip
