"""What a run found of each subscription, and what it did about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.gateway.store.counters import CounterColdError, CounterStore
from apps.usage.drift.bounds import Bounds
from apps.usage.drift.marks import Mark
from apps.usage.models import QuotaState


@dataclass(slots=True)
class Finding:
    """One counter at its mark, what it may have held, and by how much it was corrected."""

    mark: Mark
    bounds: Bounds
    delta: int = 0

    @property
    def excess(self) -> int:
        """By how much the counter is still certainly wrong: above zero too high, below zero too low."""
        return self.bounds.excess_of(self.mark.counter + self.delta)

    @property
    def outcome(self) -> str:
        """`equal`, `raised`, `lowered` or `unexplained`."""
        if self.excess:
            return "unexplained"
        if not self.delta:
            return "equal"
        return "raised" if self.delta > 0 else "lowered"

    @property
    def span_start(self) -> datetime:
        """Since when, in real time, calls may be missing: the last time that both sides agreed."""
        begins = self.mark.period.start - self.mark.offset
        return begins if self.mark.agreed_at is None else max(begins, self.mark.agreed_at)

    def correct(self, store: CounterStore, comparison_id: str) -> None:
        """Move the counter by what it is certainly wrong by; calls made since the mark stay in it.

        Nothing happens when the counter was corrected otherwise meanwhile; the next run looks again.
        """
        delta = -self.excess
        try:
            used = store.close_comparison(
                comparison_id,
                org_id=self.mark.org_id,
                sub_id=self.mark.sub_id,
                period_start=self.mark.period_start_ms,
                delta=delta,
            )
        except CounterColdError:
            return
        if used is not None:
            self.delta = delta

    def as_json(self) -> dict[str, Any]:
        """Return the plain form that a report keeps."""
        return {
            "subscription": self.mark.sub_id,
            "period_start": self.mark.period.start.isoformat(),
            "counter": self.mark.counter,
            "least": self.bounds.least,
            "most": self.bounds.most,
            "delta": self.delta,
            "outcome": self.outcome,
        }


@dataclass(slots=True)
class Findings:
    """All of a run. `floors` are counters that were below the windows outright, and were raised before the mark."""

    items: list[Finding] = field(default_factory=list)
    floors: dict[str, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Take one in."""
        self.items.append(finding)

    def add_floor(self, sub_id: str, by: int) -> None:
        """Note a counter that was raised to the windows before the mark."""
        self.floors[sub_id] = by

    def above(self) -> list[Finding]:
        """Return those whose counter is above what was counted."""
        return [item for item in self.items if item.excess > 0]

    def count(self, outcome: str) -> int:
        """Return how many subscriptions ended so."""
        return self._outcomes()[outcome]

    def _outcomes(self) -> Counter[str]:
        return Counter(self._outcome_of(item) for item in self.items)

    def _outcome_of(self, item: Finding) -> str:
        if item.outcome == "equal" and item.mark.sub_id in self.floors:
            return "raised"
        return item.outcome

    def as_json(self) -> list[dict[str, Any]]:
        """Return what was not equal, unexplained ones first."""
        order = {"unexplained": 0, "lowered": 1, "raised": 2}
        rows = [
            {
                **item.as_json(),
                "outcome": self._outcome_of(item),
                "raised_at_once": self.floors.get(item.mark.sub_id, 0),
            }
            for item in self.items
        ]
        wrong = [row for row in rows if row["outcome"] in order]
        return sorted(wrong, key=lambda row: order[row["outcome"]])

    def keep_states(self) -> None:
        """Remember what each counter held, and when it agreed with the windows."""
        rows = [
            QuotaState(
                subscription_id=item.mark.subscription_id,
                period_start=item.mark.period.start,
                period_end=item.mark.period.end,
                limit_calls=item.mark.limit,
                # What it should hold: so a counter that is not explained is looked at again by the next run.
                used_calls=max(0, item.mark.counter + item.delta - max(0, item.excess)),
                compared_at=item.mark.agreed_at if item.excess else item.mark.at,
            )
            for item in self.items
        ]
        QuotaState.objects.bulk_create(
            rows,
            batch_size=1_000,
            update_conflicts=True,
            unique_fields=["subscription", "period_start"],
            update_fields=["period_end", "limit_calls", "used_calls", "compared_at", "updated_at"],
        )
