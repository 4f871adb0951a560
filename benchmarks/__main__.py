"""`python -m benchmarks [suite ...]`: measures this machine and prints each number with its goal.

A suite is a module of this package with a function `measure() -> list[Measure]`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from benchmarks.results import Measure, print_table

SUITES: Final = ("gateway", "usage", "catalogue", "registration", "reconciliation")


def main() -> int:
    """Run the suites; the exit status tells whether every goal was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="default: all")
    measures: list[Measure] = []
    for name in parser.parse_args().suites or SUITES:
        print(f"measuring {name} ...", file=sys.stderr)
        measures += _measure_alone(name)
    print_table(measures)
    return 0 if all(measure.is_met for measure in measures) else 1


def _measure_alone(name: str) -> list[Measure]:
    """Run a suite in a process of its own: Django connects to one set of servers in its life."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, name).result()


def _measure(name: str) -> list[Measure]:
    found: list[Measure] = importlib.import_module(f"benchmarks.{name}").measure()
    return found


if __name__ == "__main__":
    sys.exit(main())
