"""A case is run or left out for a reason; none is lost in between."""

from __future__ import annotations

from tests.vectors import FOLDER, load

KINDS = sorted(
    path.stem for path in FOLDER.glob("*.json") if path.stem not in {"left_out", "package"}
)


def test_what_is_left_out_has_a_reason_and_is_not_run_elsewhere() -> None:
    left_out = load("left_out")
    run = {case["id"] for kind in [*KINDS, "package"] for case in load(kind)}

    assert all(case["reason"].endswith(".") for case in left_out)
    assert not run & {case["id"] for case in left_out}


def test_what_differs_says_why() -> None:
    cases = [case for kind in KINDS for case in load(kind) if "ours" in case]

    assert cases
    assert all(case.get("note") for case in cases)
