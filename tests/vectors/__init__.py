"""Worked cases as data: one JSON file per kind, each a list of `{id, input, expected, note?}`.

Amounts, prices, quantities and percentages are decimal strings in major units; plain integers are
counts, days and places. `null` means not set or unlimited. `…Z` is an instant in UTC, `*_local` a
wall clock.

Where Tollgate decided otherwise than the engine that a case is from, the case has `ours` beside `expected`, and its
note says why; the test insists on `ours`. `left_out.json` names the cases that have nothing to run against, with the reason.
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


def outcome_of(vector: dict[str, Any]) -> dict[str, Any]:
    """Return what Tollgate must answer: what the case expects, or what was decided instead."""
    return {**vector["expected"], **vector.get("ours", {})}


def optional_decimal(text: str | None) -> Decimal | None:
    """Read a decimal that may be unset."""
    return None if text is None else Decimal(text)
