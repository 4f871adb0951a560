"""The operator's pages and endpoints of the whole gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.core.attention import attention_items
from apps.core.models import JobRun
from apps.gateway.enums import ReportStatus, SyncState
from apps.gateway.models import ReconciliationReport, RegistryEntry
from apps.gateway.valkey import get_client, get_writer
from tests.apps.gateway.test_reconciliation import run
from tests.apps.gateway.test_sync import step_and_prove
from tests.factories.accounts import actor_of, make_staff
from tests.factories.keys import make_key

pytestmark = pytest.mark.django_db

OVERVIEW = "/api/v1/admin/gateway"


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[None]:
    settings.REQUIRE_STAFF_MFA = False
    get_client().flushdb()
    yield
    get_client().flushdb()


def fail_entry() -> RegistryEntry:
    RegistryEntry.objects.filter(kind="key").update(
        state=SyncState.FAILED, attempts=5, last_error="No proof in time."
    )
    return RegistryEntry.objects.get(kind="key")


def test_healthy_gateway_says_so_first(client_for: Callable[..., Client]) -> None:
    make_key()
    step_and_prove(get_writer())
    run()

    page = client_for(make_staff("operator")).get(reverse("admin:gateway_overview"))

    text = page.content.decode()
    assert page.status_code == 200
    assert "The gateway is healthy" in text
    assert "As wanted" not in text, "the played authorizer reports no digest"


def test_troubles_are_named_with_a_way_out(client_for: Callable[..., Client]) -> None:
    make_key()
    entry = fail_entry()
    client = client_for(make_staff("operator"))

    text = client.get(reverse("admin:gateway_overview")).content.decode()

    assert "No authorizer is serving: every call is refused." in text
    assert "1 entry has not reached every authorizer." in text
    assert "No proof in time." in text
    assert reverse("admin:gateway_entry_retry", args=[entry.public_id]) in text


def test_button_has_an_entry_written_again(client_for: Callable[..., Client]) -> None:
    make_key()
    entry = fail_entry()

    client_for(make_staff("operator")).post(
        reverse("admin:gateway_entry_retry", args=[entry.public_id])
    )

    entry.refresh_from_db()
    assert (entry.state, entry.attempts) == (SyncState.WANTED, 0)


def test_report_page_names_what_was_wrong(client_for: Callable[..., Client]) -> None:
    key = make_key().key
    step_and_prove(get_writer())
    get_client().hdel("{registry}:entries", f"key:{key.digest}")
    report = run()

    page = client_for(make_staff("operator")).get(
        reverse("admin:gateway_report", args=[report.public_id])
    )

    assert f"key:{key.digest}" in page.content.decode()


@pytest.mark.parametrize("name", ["gateway_overview", "gateway_reconcile"])
def test_pages_are_for_operators_only(name: str, client_for: Callable[..., Client]) -> None:
    client = client_for(make_staff("approver"))
    url = reverse(f"admin:{name}")

    assert (client.post if name == "gateway_reconcile" else client.get)(url).status_code == 403


def test_unknown_report_is_not_found(client_for: Callable[..., Client]) -> None:
    url = reverse("admin:gateway_report", args=["rec_nothing"])

    assert client_for(make_staff("operator")).get(url).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_page_takes_the_same_queries_whatever_it_shows(
    count: int, client_for: Callable[..., Client], django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        make_key()
        run()
    RegistryEntry.objects.update(state=SyncState.FAILED)
    client = client_for(make_staff("operator"))
    client.get(reverse("admin:gateway_overview"))

    with django_assert_num_queries(14):
        client.get(reverse("admin:gateway_overview"))


@pytest.mark.parametrize("count", [1, 3])
def test_endpoint_takes_the_same_queries_whatever_it_shows(
    count: int, api_client: Callable[..., APIClient], django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        make_key()
        run()
    client = api_client(make_staff("operator"))
    client.get(OVERVIEW)

    with django_assert_num_queries(6):
        client.get(OVERVIEW)


def test_endpoint_shows_health_nodes_entries_and_the_last_run(
    api_client: Callable[..., APIClient],
) -> None:
    make_key()
    step_and_prove(get_writer())
    report = run()

    body = api_client(make_staff("operator")).get(OVERVIEW).json()

    assert (body["is_healthy"], body["troubles"]) == (True, [])
    assert body["entries"] == {"wanted": 0, "written": 0, "proven": 3, "failed": 0}
    assert [(node["name"], node["lag"], node["is_leased"]) for node in body["nodes"]] == [
        ("a", 0, True)
    ]
    assert body["last_report"]["id"] == report.public_id
    assert body["proxy"]["state"] == "not_checked"


def test_endpoints_list_one_report_and_entries_that_do_not_arrive(
    api_client: Callable[..., APIClient],
) -> None:
    make_key()
    report, entry = run(), fail_entry()
    client = api_client(make_staff("operator"))

    assert client.get(f"{OVERVIEW}/reports/{report.public_id}").json()["status"] == report.status
    assert client.get(f"{OVERVIEW}/reports/rec_nothing").status_code == 404
    rows = client.get(f"{OVERVIEW}/entries").json()["data"]
    assert [(row["id"], row["last_error"]) for row in rows] == [
        (entry.public_id, "No proof in time.")
    ]
    retried = client.post(f"{OVERVIEW}/entries/{entry.public_id}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "wanted")


def test_entry_that_has_arrived_is_not_tried_again(api_client: Callable[..., APIClient]) -> None:
    make_key()
    step_and_prove(get_writer())
    entry = RegistryEntry.objects.get(kind="key")

    answer = api_client(make_staff("operator")).post(f"{OVERVIEW}/entries/{entry.public_id}/retry")

    assert (answer.status_code, answer.json()["code"]) == (409, "entry_already_proven")


def test_failed_run_is_on_the_attention_list() -> None:
    ReconciliationReport.objects.create(
        started_at="2026-01-01T00:00Z", status=ReportStatus.FAILED, reason="Valkey is away."
    )

    items = attention_items(actor_of(make_staff("operator")))

    notes = {str(item.label): item.note for item in items}
    assert notes["The last reconciliation of the gateway failed"] == "Valkey is away."


def test_button_starts_a_job(client_for: Callable[..., Client]) -> None:
    client_for(make_staff("operator")).post(reverse("admin:gateway_reconcile"))

    assert JobRun.objects.get().name == "gateway.reconcile"
