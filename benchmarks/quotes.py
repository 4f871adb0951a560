"""How long `POST /api/v1/pricing/quote` takes through a web process, as its caller sees it.

Two questions in turn: a plan of four tiers and a base fee, and an inline price of five components. Every answer is
compared with the first one of its kind. What the machine costs by itself is the time of `/api/health/live` in the same
run: the same process, no database, no calculation.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

REQUESTS: Final = 400
WARM_UP: Final = 40
LIMIT_MS: Final = 20.0
PATH: Final = "/api/v1/pricing/quote"
TIERS: Final = [
    {"up_to": "1000", "unit_price": "0.001", "flat_fee": "0"},
    {"up_to": "10000", "unit_price": "0.0008", "flat_fee": "5"},
    {"up_to": "100000", "unit_price": "0.0005", "flat_fee": "25"},
    {"up_to": None, "unit_price": "0.0003", "flat_fee": "100"},
]
INLINE: Final[dict[str, Any]] = {
    "currency": "USD",
    "components": [
        {"meter": "base_fee", "model": "flat", "flat_fee": "29"},
        {"meter": "calls", "model": "graduated", "tiers": TIERS, "free_units": "1000"},
        {"meter": "rows", "model": "volume", "tiers": TIERS},
        {"meter": "images", "model": "package", "package_size": "10", "package_price": "1.5"},
        {"meter": "sales", "model": "percentage", "rate_percent": "1.5", "fixed_fee": "0.1"},
    ],
    "usage": {
        "calls": "120000",
        "rows": "54000",
        "images": "77",
        "sales": {"events": ["10", "250.5", "99.95"]},
    },
    "tax": {"percent": "20"},
}


def measure() -> list[Measure]:
    """Ask quotes of a web process one after the other, and return medians and 95th percentiles."""
    with durable_servers():
        # Models can be imported only now.
        from benchmarks.usage_processes import Web, working_folder  # noqa: PLC0415 -- after django.setup()
        from tests.apps.gateway.dataplane.harness import running  # noqa: PLC0415 -- see above

        plan = {"plan": _make_plan(), "usage": {"calls": "120000"}}
        with (
            working_folder() as folder,
            running(Web(folder)) as web,
            httpx.Client(base_url=web.url, trust_env=False) as client,
        ):
            floor = _times(lambda: client.get("/api/health/live"))
            by_plan = _times(lambda: client.post(PATH, json=plan))
            inline = _times(lambda: client.post(PATH, json=INLINE))
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    return [
        Measure("a request that does nothing, p95", _p95(floor), "ms", note=load),
        *_measures("quote of a plan", by_plan, load),
        *_measures("quote of an inline price", inline, load),
    ]


def _make_plan() -> str:
    from apps.pricing.plan_templates import TEMPLATES  # noqa: PLC0415 -- after django.setup()
    from tests.factories.pricing import make_plan, make_price  # noqa: PLC0415 -- see above

    draft = make_price(components=TEMPLATES["hybrid"].components)
    return str(make_plan(price=draft).public_id)


def _measures(name: str, taken: list[float], load: str) -> list[Measure]:
    return [
        Measure(f"{name}, median", sorted(taken)[len(taken) // 2], "ms", note=load),
        Measure(f"{name}, p95", _p95(taken), "ms", at_most=LIMIT_MS, note=load),
    ]


def _times(ask: Callable[[], httpx.Response]) -> list[float]:
    """Return what each request took, in milliseconds; every answer is that of the first."""
    taken: list[float] = []
    expected: Any = None
    for number in range(WARM_UP + REQUESTS):
        started = time.perf_counter()
        answer = ask()
        elapsed = (time.perf_counter() - started) * 1000
        assert answer.status_code == 200, answer.text  # noqa: S101 -- a broken request measures nothing
        total = answer.json().get("total_minor")
        expected = total if expected is None else expected
        assert total == expected, answer.text  # noqa: S101 -- as above
        if number >= WARM_UP:
            taken.append(elapsed)
    return taken


def _p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]
