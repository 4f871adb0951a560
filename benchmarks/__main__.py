"""`python -m benchmarks [suite ...]`: measures this machine and prints each number with its goal.

A suite is a module of this package with a function `measure() -> list[Measure]`.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from benchmarks.results import Measure, print_table
from benchmarks.suites import measure_alone

SUITES: Final = (
    "gateway",
    "proxies",
    "startup",
    "usage",
    "usage_intake",
    "usage_processors",
    "usage_lag",
    "usage_volume",
    "analytics",
    "catalogue",
    "registration",
    "renewals",
    "reconciliation",
    "calculator",
    "quotes",
)


def main() -> int:
    """Run the suites; the exit status tells whether every goal was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="default: all")
    measures: list[Measure] = []
    for name in parser.parse_args().suites or SUITES:
        print(f"measuring {name} ...", file=sys.stderr)
        measures += measure_alone(name)
    print_table(measures)
    return 0 if all(measure.is_met for measure in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
