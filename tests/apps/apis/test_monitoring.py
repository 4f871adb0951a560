"""Scheduled probes, the circuit breaker, and days of health."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.apis.enums import CircuitState
from apps.apis.health_history import health_history, uptime_of
from apps.apis.models import Api, HealthCheck, HealthDay, HealthIncident, UpstreamHealth
from apps.apis.services import check_upstream
from apps.apis.services.health_days import sum_up_health
from apps.apis.services.monitoring import probe_due_upstreams, set_health_policy
from apps.core import clock
from apps.core.exceptions import InvalidInput
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.gateway.models import RegistryEntry
from apps.notifications.models import Notification
from tests.apps.apis.conftest import Upstream
from tests.clients import api_client
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.apis import PROVIDER, make_api

pytestmark = pytest.mark.django_db(transaction=True)

DOWN = (500, b"broken")
UP = (200, b"ok")


@pytest.fixture
def api(upstream: Upstream) -> Api:
    """A live API whose upstream does as the test says."""
    return make_api("active", upstream_url=upstream.url)


def probe_again(api: Api, times: int = 1) -> CircuitState:
    """Let the job find the upstream due, so many times; return the circuit after it."""
    for _ in range(times):
        UpstreamHealth.objects.filter(pk=api.pk).update(next_probe_at=clock.now())
        probe_due_upstreams()
    return CircuitState(UpstreamHealth.objects.get(pk=api.pk).circuit)


def route_state(api: Api) -> str:
    """Return what the gateway should do with calls of the API."""
    payload = RegistryEntry.objects.get(kind="route", key=api.slug).payload
    assert payload is not None
    return str(payload.get("state", "active"))


def test_three_failures_in_a_row_open_the_circuit(api: Api, upstream: Upstream) -> None:
    upstream.answers["/"] = DOWN

    assert probe_again(api, 2) == CircuitState.CLOSED
    assert route_state(api) == "active"
    assert probe_again(api) == CircuitState.OPEN
    assert route_state(api) == "unhealthy"
    incident = HealthIncident.objects.get()
    assert incident.reason == "It answered 500 instead of 200."
    assert Api.objects.get(pk=api.pk).status == "active"


def test_a_success_between_failures_keeps_it_closed(api: Api, upstream: Upstream) -> None:
    upstream.answers["/"] = DOWN
    probe_again(api, 2)
    upstream.answers["/"] = UP
    probe_again(api)
    upstream.answers["/"] = DOWN

    assert probe_again(api, 2) == CircuitState.CLOSED


def test_recovery_goes_over_a_trial(api: Api, upstream: Upstream) -> None:
    upstream.answers["/"] = DOWN
    probe_again(api, 3)
    upstream.answers["/"] = UP

    assert probe_again(api) == CircuitState.HALF_OPEN
    assert route_state(api) == "active"
    assert probe_again(api) == CircuitState.CLOSED
    assert HealthIncident.objects.get().ended_at is not None


def test_a_failed_trial_opens_the_circuit_again_in_the_same_incident(
    api: Api, upstream: Upstream
) -> None:
    upstream.answers["/"] = DOWN
    probe_again(api, 3)
    upstream.answers["/"] = UP
    probe_again(api)
    upstream.answers["/"] = DOWN

    assert probe_again(api) == CircuitState.OPEN
    assert route_state(api) == "unhealthy"
    assert HealthIncident.objects.get().ended_at is None


def test_every_change_of_the_circuit_is_audited_and_told_once(api: Api, upstream: Upstream) -> None:
    member = make_member("developer", api.organization)
    upstream.answers["/"] = DOWN
    probe_again(api, 5)
    drain_until_empty()
    drain_until_empty()

    told = Notification.objects.filter(user=member.user, kind="apis.upstream_down")
    assert told.count() == 1
    assert AuditEvent.objects.filter(action="apis:circuit:open").count() == 1


def test_probes_send_the_upstream_secrets(api: Api, upstream: Upstream) -> None:
    api.upstream_secrets.create(header_name="X-Ours", value="s3cret")
    probe_again(api)

    assert upstream.requests[-1][1]["X-Ours"] == "s3cret"


def test_only_live_apis_that_are_due_are_probed(api: Api, upstream: Upstream) -> None:
    make_api("draft", upstream_url=upstream.url)
    probe_again(api)
    calls = len(upstream.requests)

    assert probe_due_upstreams().probed == 0
    assert len(upstream.requests) == calls


def test_the_interval_is_the_providers_until_there_is_trouble(api: Api, upstream: Upstream) -> None:
    set_health_policy(api=api, path="/", expected_status=200, interval_s=300, actor=PROVIDER)
    probe_again(api)
    health = UpstreamHealth.objects.get(pk=api.pk)
    assert health.last_checked_at is not None
    assert health.next_probe_at - health.last_checked_at == timedelta(seconds=300)

    upstream.answers["/"] = DOWN
    probe_again(api)
    health.refresh_from_db()
    assert health.last_checked_at is not None
    assert health.next_probe_at - health.last_checked_at == timedelta(seconds=10)


def test_a_check_by_hand_counts_for_a_live_api(api: Api, upstream: Upstream) -> None:
    upstream.answers["/"] = DOWN
    probe_again(api, 2)

    check_upstream(api=api)

    assert UpstreamHealth.objects.get(pk=api.pk).circuit == CircuitState.OPEN


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("health_interval_s", {"interval_s": 14}),
        ("health_interval_s", {"interval_s": 3601}),
        ("health_expected_status", {"expected_status": 99}),
    ],
)
def test_a_policy_out_of_bounds_names_its_field(
    api: Api, field: str, values: dict[str, int]
) -> None:
    policy = {"expected_status": 200, "interval_s": 60, **values}

    with pytest.raises(InvalidInput) as refusal:
        set_health_policy(api=api, path="/", actor=PROVIDER, **policy)

    assert refusal.value.field == field


def test_days_are_summed_up_once_and_old_probes_go(api: Api) -> None:
    now = clock.now()
    HealthCheck.objects.filter(api=api).delete()
    for age, is_healthy, latency in ((0, True, 10), (0, True, 30), (0, False, None), (9, True, 5)):
        HealthCheck.objects.create(
            api=api,
            checked_at=now - timedelta(days=age),
            is_healthy=is_healthy,
            latency_ms=latency,
        )

    sum_up_health()
    assert sum_up_health()["deleted"] == 0

    day = HealthDay.objects.get(api=api)
    assert (day.check_count, day.healthy_count, day.latency_p50_ms) == (3, 2, 10)
    assert HealthCheck.objects.filter(api=api).count() == 3
    assert uptime_of(api) == Decimal("66.67")
    assert len(health_history(api).days) == 30


def test_rest_shows_health_and_changes_what_is_checked(api: Api) -> None:
    client = api_client(make_member("developer", api.organization))
    path = f"/api/v1/provider/apis/{api.public_id}/health"

    answer = client.put(
        path,
        {"health_path": "up", "health_expected_status": 204, "health_interval_s": 120},
        format="json",
    )

    assert answer.status_code == 200
    api.refresh_from_db()
    assert (api.health_path, api.health_expected_status, api.health_interval_s) == ("/up", 204, 120)
    assert client.get(path).json()["circuit"] == "closed"


def test_another_tenants_health_is_not_there(api: Api) -> None:
    stranger = api_client(make_member("owner", OrganizationFactory()))

    assert stranger.get(f"/api/v1/provider/apis/{api.public_id}/health").status_code == 404


def test_a_round_reads_and_claims_at_a_constant_price(upstream: Upstream) -> None:
    """Two statements of its own a round; the rest is per probe."""
    counts = []
    for wanted in (1, 3):
        while Api.objects.count() < wanted:
            make_api("active", upstream_url=upstream.url)
        probe_due_upstreams()
        UpstreamHealth.objects.update(next_probe_at=clock.now() + timedelta(hours=1))
        with CaptureQueriesContext(connection) as queries:
            probe_due_upstreams()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_new_address_is_judged_anew(api: Api, upstream: Upstream) -> None:
    upstream.answers["/"] = DOWN
    probe_again(api, 3)
    upstream.answers["/v2/"] = UP

    set_health_policy(api=api, path="/v2/", expected_status=200, interval_s=60, actor=PROVIDER)
    probe_again(api, 2)

    assert UpstreamHealth.objects.get(pk=api.pk).circuit == CircuitState.CLOSED
