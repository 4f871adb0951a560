"""Runs a suite in a process of its own: Django connects to one set of servers in its life."""

from __future__ import annotations

import importlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.results import Measure


def measure_alone(name: str) -> list[Measure]:
    """Return what a suite measured; its errors are raised here."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, name).result()


def _measure(name: str) -> list[Measure]:
    found: list[Measure] = importlib.import_module(f"benchmarks.{name}").measure()
    return found
