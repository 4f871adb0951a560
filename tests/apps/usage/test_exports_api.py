"""Exports over REST and on their page."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.core import clock
from apps.usage.models import UsageExport
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.billing import make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.exports import ask_export, make_export, rows_of, write

pytestmark = pytest.mark.django_db

EXPORTS = "/api/v1/usage/exports"
PAGE = "/console/usage/exports/"


@pytest.fixture
def consumer() -> Membership:
    return make_member("viewer")


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_asked_followed_fetched(consumer: Membership) -> None:
    make_calls(make_subscription_row(consumer=consumer.organization), clock.now())
    client = api_client(consumer)
    asked = client.post(
        EXPORTS, {"period": "24h"}, format="json", headers={"Idempotency-Key": "one"}
    )
    assert asked.status_code == 202
    body = asked.json()
    assert (body["status"], body["subject"], body["format"]) == ("queued", "calls", "csv")
    assert client.get(f"/api/v1/jobs/{body['job_id']}").json()["status"] == "queued"
    path = f"{EXPORTS}/{body['id']}"
    early = client.get(f"{path}/download")
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")

    write(UsageExport.objects.get())

    shown = client.get(path).json()
    assert (shown["status"], shown["row_count"]) == ("ready", 1)
    answer = client.get(f"{path}/download")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # a file
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="calls-')
    digest = hashlib.sha256(content)
    assert digest.hexdigest() == shown["sha256"]
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert content.decode().splitlines()[0].split(",") == shown["columns"]

    again = client.post(
        EXPORTS, {"period": "24h"}, format="json", headers={"Idempotency-Key": "one"}
    )
    assert again.json()["id"] == body["id"]
    assert UsageExport.objects.count() == 1


def test_another_tenants_export_does_not_exist(consumer: Membership) -> None:
    export, stranger = make_export(consumer), make_member("owner")
    client = api_client(stranger)
    path = f"{EXPORTS}/{export.public_id}"
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/download").status_code == 404
    assert client.post(f"{path}/cancel").status_code == 404
    assert client.get(EXPORTS).json()["data"] == []
    browser = client_for(stranger)
    assert browser.get(f"{PAGE}{export.public_id}/").status_code == 404
    assert browser.post(f"{PAGE}{export.public_id}/cancel/").status_code == 404
    other = make_subscription_row()
    for filters in ({"subscription_id": other.public_id}, {"api_id": other.api.public_id}):
        for side in ("consumer", "provider"):
            asked = {"side": side, "filters": filters}
            answer = api_client(consumer).post(EXPORTS, asked, format="json")
            assert answer.status_code == 404, asked
    assert UsageExport.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "secrets"}, "/subject"),
        ({"format": "xls"}, "/format"),
        ({"side": "operator"}, "/side"),
        ({"period": "1y"}, "/period"),
        ({"filters": {"status": "9"}}, "/filters/status"),
        ({"period": "custom", "from": "soon", "to": "2025-01-01"}, "/from"),
        ({"period": "custom", "from": "2025-02-01", "to": "2025-01-01"}, "/to"),
    ],
)
def test_bad_input_names_the_field(consumer: Membership, body: Any, field: str) -> None:
    answer = api_client(consumer).post(EXPORTS, body, format="json")
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert not UsageExport.objects.exists()


def test_cancelled_once(consumer: Membership) -> None:
    export = ask_export(consumer)
    path = f"{EXPORTS}/{export.public_id}/cancel"
    client = api_client(consumer)
    assert client.post(path).json()["status"] == "cancelled"
    assert client.post(path).json()["code"] == "invalid_transition"


@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number(
    consumer: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        make_export(consumer)
    client, browser = api_client(consumer), client_for(consumer)
    browser.get(PAGE)
    with django_assert_num_queries(1):
        assert len(client.get(EXPORTS).json()["data"]) == count
    with django_assert_num_queries(10):
        assert browser.get(PAGE).status_code == 200


def test_operator_reads_everything(consumer: Membership) -> None:
    make_calls(make_subscription_row(consumer=consumer.organization), clock.now())
    make_calls(make_subscription_row(), clock.now())
    make_export(consumer)
    client = api_client(make_staff("operator"))
    asked = client.post("/api/v1/admin/usage/exports", {}, format="json")
    assert asked.status_code == 202
    export = write(UsageExport.objects.get(side="operator"))
    rows = rows_of(export)
    assert len(rows) == 2
    assert rows[0]["source"] == "gateway"
    assert rows[0]["properties"] == "{}"
    listed = client.get("/api/v1/admin/usage/exports").json()["data"]
    assert [row["id"] for row in listed] == [export.public_id]
    path = f"/api/v1/admin/usage/exports/{export.public_id}"
    assert client.get(f"{path}/download").status_code == 200
    assert api_client(consumer).get(f"{EXPORTS}/{export.public_id}").status_code == 404


def test_back_office_lists_and_hands_over_operators_files(consumer: Membership) -> None:
    own = make_export(consumer)
    staff = make_staff("operator")
    api_client(staff).post("/api/v1/admin/usage/exports", {}, format="json")
    export = write(UsageExport.objects.get(side="operator"))
    browser = client_for(staff)
    text = text_of(browser.get("/backoffice/usage/usageexport/"))
    assert f"/backoffice/usage/usageexport/{export.public_id}/file/" in text
    assert own.public_id not in text
    found = browser.get(f"/backoffice/usage/usageexport/{export.public_id}/file/")
    assert found.status_code == 200
    other = browser.get(f"/backoffice/usage/usageexport/{own.public_id}/file/")
    assert other.status_code == 404


def test_page_asks_watches_and_hands_over(consumer: Membership) -> None:
    browser = client_for(consumer)
    text = text_of(browser.get(PAGE))
    assert "No exports yet" in text
    assert "Whose calls" not in text, "who has no APIs is not asked"

    form = {"side": "consumer", "subject": "calls", "format": "csv", "period": "7d"}
    assert browser.post(PAGE, form).status_code == 302
    export = UsageExport.objects.get()
    live = text_of(browser.get(f"{PAGE}live/"))
    assert 'hx-trigger="every 2s"' in live
    assert f"{PAGE}{export.public_id}/cancel/" in live

    write(export)
    live = text_of(browser.get(f"{PAGE}live/"))
    assert "hx-trigger" not in live
    assert f"{PAGE}{export.public_id}/" in live
    assert browser.get(f"{PAGE}{export.public_id}/").streaming


def test_page_shows_refusals_at_their_field(consumer: Membership) -> None:
    make_subscription_row(provider=consumer.organization)
    browser = client_for(consumer)
    form = {"side": "consumer", "subject": "calls", "format": "csv", "period": "custom"}
    answer = browser.post(PAGE, {**form, "from": "2025-02-01", "to": "2025-01-01"})
    assert answer.status_code == 422
    assert "The last day is before the first." in text_of(answer)
    api = make_subscription_row(provider=consumer.organization).api
    mixed = browser.post(PAGE, {**form, "period": "7d", "source": api.public_id})
    assert "This belongs to the other side" in text_of(mixed)
    assert not UsageExport.objects.exists()


def test_usage_pages_lead_here(consumer: Membership) -> None:
    api = make_subscription_row(provider=consumer.organization).api
    browser = client_for(consumer)
    for path in (
        "/console/usage/",
        "/console/usage/calls/?status=5&q=a%26b",
        "/console/provider/usage/",
        "/console/provider/usage/calls/",
        f"/console/provider/usage/{api.public_id}/",
    ):
        text = text_of(browser.get(path))
        link = text.split(f'href="{PAGE}?')[1].split('"')[0].replace("&amp;", "&")
        filled = text_of(browser.get(f"{PAGE}?{link}"))
        assert 'value="7d" selected' in filled, path
        if "status=5" in path:
            assert 'value="a&amp;b"' in filled


def test_operators_ask_and_cancel_in_the_back_office() -> None:
    browser = client_for(make_staff("operator"))
    new = "/backoffice/usage/usageexport/new/"
    listed = browser.get("/backoffice/usage/usageexport/").content.decode()
    wanted = {"subject": "calls", "format": "parquet", "period": "7d", "status": "5"}

    wrong = browser.post(new, {**wanted, "period": "custom"})
    asked = browser.post(new, wanted)

    assert new in listed
    assert browser.get(new).status_code == 200
    assert (wrong.status_code, asked.status_code) == (422, 302)
    export = UsageExport.objects.get()
    assert (export.side, export.organization_id, export.status) == ("operator", None, "queued")
    assert (export.file_format, export.filters) == ("parquet", {"status": "5"})
    picked = {"action": "cancel_selected", "_selected_action": [str(export.pk)]}
    browser.post("/backoffice/usage/usageexport/", picked)
    export.refresh_from_db()
    assert export.status == "cancelled"
    assert client_for(make_staff("approver")).get(new).status_code == 403
