"""Moves of a plan."""

from typing import Final

from apps.core.transitions import StateMachine
from apps.pricing.enums import PlanStatus as S

PLAN: Final = StateMachine(
    {
        S.DRAFT: {S.PUBLISHED, S.CLOSED},
        S.PUBLISHED: {S.DEPRECATED, S.CLOSED},
        S.DEPRECATED: {S.PUBLISHED, S.CLOSED},
    }
)
