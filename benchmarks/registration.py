"""From "may go live" to proven active, one API after the other: check of the upstream, registry, authorizer's proof.

PostgreSQL, Valkey, relay, authorizer and upstream are this run's own and real.
"""

from __future__ import annotations

import time
from typing import Final

from benchmarks.results import Measure
from benchmarks.stack import gateway_stack

RUNS: Final = 60
WARM_UP: Final = 5
LIMIT_S: Final = 1.0
POLL_S: Final = 0.002
PATIENCE_S: Final = 30.0


def measure() -> list[Measure]:
    """Return median and 95th percentile of the whole way."""
    with gateway_stack():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from django.test import override_settings  # noqa: PLC0415 -- after django.setup()

    from tests.apps.gateway.dataplane.harness import serve_echo  # noqa: PLC0415 -- see above

    with serve_echo() as port:
        host = f"127.0.0.1:{port}"
        with override_settings(OUTGOING_TRUSTED_HOSTS=frozenset({host})):
            taken = [_register(f"http://{host}") for _ in range(WARM_UP + RUNS)][WARM_UP:]
    ranked = sorted(taken)
    return [
        Measure("registration to proven active, median", ranked[RUNS // 2], "s"),
        Measure(
            "registration to proven active, p95",
            ranked[int(RUNS * 0.95)],
            "s",
            at_most=LIMIT_S,
            note=f"{RUNS} runs, the slowest {ranked[-1]:.2f} s",
        ),
    ]


def _register(upstream_url: str) -> float:
    """Register one API; return the seconds until it is active."""
    from apps.apis.enums import ApiStatus  # noqa: PLC0415 -- after django.setup()
    from apps.apis.models import Api  # noqa: PLC0415 -- see above
    from apps.apis.services import approve_api, check_upstream  # noqa: PLC0415 -- see above
    from tests.factories.apis import PROVIDER, make_api  # noqa: PLC0415 -- see above

    api = make_api(ApiStatus.PENDING_APPROVAL, upstream_url=upstream_url)
    api.health_checks.all().delete()
    started = time.perf_counter()
    check_upstream(api=api)
    approve_api(api=api, actor=PROVIDER)
    while Api.objects.values_list("status", flat=True).get(pk=api.pk) != ApiStatus.ACTIVE:
        if time.perf_counter() - started > PATIENCE_S:
            message = f"not active within {PATIENCE_S} s"
            raise TimeoutError(message)
        time.sleep(POLL_S)
    return time.perf_counter() - started
