"""One number of a benchmark, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A number with what it was compared to: `goal` is the least that it should reach, `at_most` its limit."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    note: str = ""
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is reached; a number without one always is."""
        is_enough = self.goal is None or self.value >= self.goal
        return is_enough and (self.at_most is None or self.value <= self.at_most)

    @property
    def wanted(self) -> str:
        """Write what the number is compared to."""
        if self.at_most is not None:
            return f"at most {_format(self.at_most)}"
        return "" if self.goal is None else f"goal {_format(self.goal)}"


def print_table(measures: Sequence[Measure]) -> None:
    """Print the numbers, each with its goal and whether it is reached."""
    width = max((len(measure.name) for measure in measures), default=0)
    for measure in measures:
        goal = measure.wanted
        verdict = "" if not goal else ("reached" if measure.is_met else "NOT REACHED")
        value = f"{_format(measure.value)} {measure.unit}"
        print(f"{measure.name:<{width}}  {value:>20}  {goal:<14} {verdict:<12} {measure.note}")


def _format(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"
