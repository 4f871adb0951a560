"""What the file of the platform's own plans says, once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import get_language

from apps.accounts.enums import PlatformFeature, PlatformLimit


@dataclass(frozen=True, slots=True)
class PlatformPrice:
    """What a plan costs a month or a year; several currencies stand side by side, nothing is converted."""

    amount: Decimal
    currency: str
    interval: str


@dataclass(frozen=True, slots=True)
class PlatformPlan:
    """One plan. A limit that is missing is none; `api_tier` is empty for the free tier of the API's limits."""

    key: str
    name: str
    summaries: Mapping[str, str]
    prices: tuple[PlatformPrice, ...]
    api_tier: str
    limits: Mapping[PlatformLimit, int | None]
    features: frozenset[PlatformFeature]

    @property
    def summary(self) -> str:
        """Whom it is for, in the reader's language where the file has it."""
        language = (get_language() or "en")[:2]
        return self.summaries.get(language) or self.summaries.get("en", "")

    def limit_of(self, limit: PlatformLimit) -> int | None:
        """Return how many it allows; None for as many as you like."""
        return self.limits.get(limit)

    def allows(self, limit: PlatformLimit, count: int) -> bool:
        """Tell whether so many are within the limit."""
        most = self.limit_of(limit)
        return most is None or count <= most


@dataclass(frozen=True, slots=True)
class PlatformPlans:
    """Every plan, from the smallest to the largest. `digest` changes with the file."""

    plans: tuple[PlatformPlan, ...]
    digest: str

    @property
    def smallest(self) -> PlatformPlan:
        """The plan that holds when another has run out."""
        return self.plans[0]

    def find(self, key: str) -> PlatformPlan | None:
        """Return the plan of that key; None if the file has none."""
        return next((plan for plan in self.plans if plan.key == key), None)

    def first_with(self, feature: PlatformFeature) -> PlatformPlan | None:
        """Return the smallest plan that includes a feature."""
        return next((plan for plan in self.plans if feature in plan.features), None)

    def first_allowing(self, limit: PlatformLimit, count: int) -> PlatformPlan | None:
        """Return the smallest plan that allows so many."""
        return next((plan for plan in self.plans if plan.allows(limit, count)), None)
