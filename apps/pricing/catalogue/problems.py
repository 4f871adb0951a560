"""What is wrong with a catalogue, place by place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from apps.pricing.exceptions import CatalogueInvalid

MAX_PROBLEMS: Final = 50


def pointer_to(*tokens: str | int) -> str:
    """Return a JSON pointer (RFC 6901) to the place that the tokens lead to."""
    escaped = (str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
    return "".join(f"/{token}" for token in escaped)


@dataclass(frozen=True, slots=True, order=True)
class CatalogueProblem:
    """One thing that is wrong: the file, line and column (from 1), the pointer in the file, and words."""

    file: str
    line: int
    column: int
    pointer: str
    code: str
    detail: str

    def __str__(self) -> str:
        place = f" ({self.pointer})" if self.pointer else ""
        return f"{self.file}:{self.line}:{self.column}: {self.detail}{place}"

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored and answered."""
        return asdict(self)


def refusal_of(problems: Iterable[CatalogueProblem]) -> CatalogueInvalid:
    """Return the error for a catalogue with problems; it reads like the first of them."""
    found = sorted(set(problems))[:MAX_PROBLEMS]
    return CatalogueInvalid(str(found[0]), errors=[problem.to_json() for problem in found])
