"""From an approval to an active API, when everything works and when it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from apps.accounts.models import Organization
from apps.apis.enums import ApiStatus, GoLiveMode
from apps.apis.models import Api
from apps.apis.services import approve_api, retry_registration, submit_api
from apps.core import clock
from apps.core.exceptions import DomainError, InvalidTransition
from apps.core.models import JobRun
from apps.core.relay import drain_until_empty
from apps.gateway import nodes as node_notes
from apps.gateway import registration, sync
from apps.gateway.enums import EntryKind, SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.registration import (
    check_and_register,
    fail_registration,
    resume_lost_registrations,
    retry_given_up,
)
from apps.gateway.store.registry import RegistryWriter
from apps.gateway.sync import RegistrySync, give_up_overdue
from apps.gateway.valkey import get_client, get_writer
from apps.notifications.models import Notification
from tests.apps.gateway.dataplane.harness import serve_echo
from tests.apps.gateway.test_sync import held, make_overdue, step_and_prove
from tests.factories.accounts import make_member, make_staff
from tests.factories.apis import PROVIDER, CategoryFactory, make_api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    get_client().flushdb()
    node_notes._watch.leased = frozenset()
    yield
    get_client().flushdb()


@pytest.fixture
def upstream(settings: Any) -> Iterator[str]:
    """Run an upstream that outgoing calls may reach although it is on this machine."""
    with serve_echo() as port:
        settings.OUTGOING_TRUSTED_HOSTS = [f"127.0.0.1:{port}"]
        yield f"http://127.0.0.1:{port}"


def away() -> RegistryWriter:
    """Return the writer of a store that nobody runs; like ours, it does not repeat a failed call."""
    nobody = Redis(
        host="127.0.0.1", port=1, socket_connect_timeout=0.1, retry=Retry(NoBackoff(), 0)
    )
    return RegistryWriter(nobody)


def status_of(api: Api) -> str:
    return str(Api.objects.values_list("status", flat=True).get(pk=api.pk))


def route_of(api: Api) -> RegistryEntry | None:
    return RegistryEntry.objects.filter(kind=EntryKind.ROUTE, subject_id=api.pk).first()


def age_checks(api: Api) -> None:
    api.health_checks.update(checked_at=clock.now() - timedelta(days=3))


def make_waiting(**fields: Any) -> Api:
    """Make an API whose approval came days after its check."""
    api = make_api(ApiStatus.PENDING_APPROVAL, **fields)
    age_checks(api)
    approve_api(api=api, actor=PROVIDER)
    return api


def test_fresh_check_lets_the_route_be_wanted_with_the_approval() -> None:
    api = make_api(ApiStatus.REGISTERING)

    route = route_of(api)
    assert route is not None
    assert route.payload is not None
    step_and_prove(get_writer())
    assert status_of(api) == ApiStatus.ACTIVE


def test_old_check_has_the_upstream_asked_by_a_worker_first() -> None:
    api = make_waiting()

    drain_until_empty()

    assert route_of(api) is None
    runs = JobRun.objects.filter(name="gateway.register_api")
    assert [run.arguments for run in runs] == [{"api_id": str(api.pk)}]


def test_upstream_that_answers_lets_the_api_become_active(upstream: str) -> None:
    api = make_waiting(upstream_url=upstream)

    assert check_and_register(api.pk) == "wanted"
    step_and_prove(get_writer())

    assert status_of(api) == ApiStatus.ACTIVE


def test_unreachable_upstream_fails_the_registration_and_tells_both_sides(settings: Any) -> None:
    settings.OUTGOING_TRUSTED_HOSTS = ["127.0.0.1:9"]
    owner, operator = make_member("owner"), make_staff("operator")
    api = make_waiting(organization=owner.organization, upstream_url="http://127.0.0.1:9")

    assert check_and_register(api.pk) == "failed"
    drain_until_empty()

    api.refresh_from_db()
    assert (api.status, route_of(api)) == (ApiStatus.FAILED, None)
    assert api.status_reason.startswith("The upstream was not reachable. No connection")
    told = Notification.objects.filter(kind="apis.failed")
    assert set(told.values_list("user", flat=True)) == {owner.user_id, operator.pk}
    assert {row.context["reason"] for row in told} == {api.status_reason}
    assert retry_given_up(reason="tests") == 0, "the provider's upstream is not the gateway's fault"


def test_checking_twice_registers_once(upstream: str) -> None:
    api = make_waiting(upstream_url=upstream)
    check_and_register(api.pk)
    step_and_prove(get_writer())

    assert check_and_register(api.pk) == "skipped"


def test_check_that_was_lost_with_the_broker_is_made_up_for(upstream: str) -> None:
    api = make_waiting(upstream_url=upstream)
    assert resume_lost_registrations() == 0, "its worker may be at it"
    Api.objects.update(updated_at=clock.now() - registration.LOST_AFTER * 2)

    assert resume_lost_registrations() == 1

    step_and_prove(get_writer())
    assert status_of(api) == ApiStatus.ACTIVE


def fail_at_the_gateway(api: Api, writer: RegistryWriter) -> None:
    for _ in range(sync.MAX_ATTEMPTS):
        RegistrySync(writer).step()
        assert status_of(api) == ApiStatus.REGISTERING
        make_overdue()
        give_up_overdue()


def test_store_that_stays_away_leaves_no_active_api_and_no_route() -> None:
    api = make_api(ApiStatus.REGISTERING)

    fail_at_the_gateway(api, away())

    assert status_of(api) == ApiStatus.FAILED
    assert not Api.objects.filter(status=ApiStatus.ACTIVE).exists()
    step_and_prove(get_writer())
    assert held(get_writer()) == {}


def test_authorizers_that_stay_away_leave_no_active_api_and_no_route() -> None:
    api = make_api(ApiStatus.REGISTERING)

    fail_at_the_gateway(api, get_writer())

    assert status_of(api) == ApiStatus.FAILED
    RegistrySync(get_writer()).step()
    assert held(get_writer()) == {}


def test_gateway_that_comes_back_after_two_tries_registers_with_doubled_waits() -> None:
    api = make_api(ApiStatus.REGISTERING)
    with capture_logs() as lines:
        for _ in range(2):
            make_overdue()
            RegistrySync(away()).step()
    assert status_of(api) == ApiStatus.REGISTERING

    step_and_prove(get_writer())

    assert status_of(api) == ApiStatus.ACTIVE
    waits = [
        (line["attempt"], line["next_wait_s"])
        for line in lines
        if line["event"] == "gateway.proof_overdue"
    ]
    assert waits == [(1, 2.0), (2, 4.0)]


def test_failed_registration_is_tried_again_when_an_authorizer_appears() -> None:
    api = make_api(ApiStatus.REGISTERING)
    fail_at_the_gateway(api, away())

    step_and_prove(get_writer())
    assert status_of(api) == ApiStatus.REGISTERING
    step_and_prove(get_writer())

    assert status_of(api) == ApiStatus.ACTIVE


def test_failed_registration_is_tried_again_by_hand() -> None:
    api = make_api(ApiStatus.REGISTERING)
    fail_registration(api.pk, reason="no proof", is_gateways_fault=True)

    retry_registration(api=Api.objects.get(pk=api.pk), actor=PROVIDER)
    step_and_prove(get_writer())

    assert status_of(api) == ApiStatus.ACTIVE
    route = route_of(api)
    assert route is not None
    assert (route.state, route.given_up_at) == (SyncState.PROVEN, None)


def test_api_that_the_proxy_cannot_serve_fails_with_the_reason() -> None:
    api = make_api(ApiStatus.PENDING_APPROVAL)
    for number in range(5):
        api.upstream_secrets.create(header_name=f"X-Secret-{number}", value="value")

    approve_api(api=api, actor=PROVIDER)

    api.refresh_from_db()
    assert (api.status, route_of(api)) == (ApiStatus.FAILED, None)
    assert "upstream_headers" in api.status_reason


def in_parallel(work: Callable[[], object], count: int) -> list[object]:
    """Do the same in threads that begin together; return what each answered or raised."""
    answers: list[object] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        try:
            barrier.wait(timeout=10)
            answers.append(work())
        except DomainError as error:
            answers.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers


@pytest.mark.django_db(transaction=True)
def test_parallel_submissions_register_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.apis.services.lifecycle.unmet_requirements", lambda _api: [])
    category = CategoryFactory(go_live_mode=GoLiveMode.INSTANT)
    api = make_api(ApiStatus.DRAFT, category=category)
    Organization.objects.filter(pk=api.organization_id).update(is_verified_provider=True)

    answers = in_parallel(
        lambda: submit_api(api=Api.objects.get(pk=api.pk), actor=PROVIDER), count=4
    )

    refused = [answer for answer in answers if isinstance(answer, InvalidTransition)]
    assert len(answers) == 4
    assert len(refused) == 3
    route = route_of(api)
    assert route is not None
    assert (status_of(api), route.wanted_revision) == (ApiStatus.REGISTERING, 1)
