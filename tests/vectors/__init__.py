"""Worked cases as data: one JSON file per kind, each a list of `{id, input, expected, note?}`.

Amounts, prices, quantities and percentages are decimal strings in major units; plain integers are
counts, days and places. `null` means not set or unlimited. `…Z` is an instant in UTC, `*_local` a
wall clock.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent


def vectors(*kinds: str) -> pytest.MarkDecorator:
    """Parametrise a test by `kind` and `vector` over all cases of these kinds."""
    cases = [pytest.param(kind, vector, id=vector["id"]) for kind in kinds for vector in load(kind)]
    return pytest.mark.parametrize(("kind", "vector"), cases)


def load(kind: str) -> list[dict[str, Any]]:
    """Read all cases of one kind; an empty file is a mistake, not an empty test."""
    cases: list[dict[str, Any]] = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))
    assert cases, f"no vectors of kind {kind}"
    return cases


def optional_decimal(text: str | None) -> Decimal | None:
    """Read a decimal that may be unset."""
    return None if text is None else Decimal(text)
