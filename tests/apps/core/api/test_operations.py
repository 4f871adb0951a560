"""Job states, the schema, problems, metrics: endpoints without a business noun."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.core.enums import JobStatus
from apps.core.models import JobRun
from tests.clients import api_client
from tests.factories.accounts import make_member, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/jobs/status/{}", "/api/v1/jobs/{}"])
def test_job_state_is_shown_to_its_tenant_and_staff_only(path: str) -> None:
    member = make_member("viewer")
    run = JobRun.objects.create(
        name="test.export",
        organization_id=member.organization_id,
        status=JobStatus.SUCCEEDED,
        result={"rows": 3},
    )
    url = path.format(run.public_id)

    body = api_client(member).get(url).json()

    assert (body["id"], body["status"], body["result"]) == (run.public_id, "succeeded", {"rows": 3})
    assert api_client(make_staff("operator")).get(url).status_code == 200
    assert api_client(make_member("owner")).get(url).json()["code"] == "not_found"
    assert APIClient().get(url).status_code == 401


def test_job_without_tenant_is_hidden_from_members() -> None:
    run = JobRun.objects.create(name="test.nightly")

    assert api_client(make_member("owner")).get(f"/api/v1/jobs/{run.public_id}").status_code == 404


def test_unknown_api_path_is_a_problem_and_other_paths_are_pages() -> None:
    api = Client().get("/api/v1/nothing-here")

    assert (api.status_code, api["Content-Type"]) == (404, "application/problem+json")
    assert api.json()["code"] == "not_found"
    assert api.json()["request_id"] == api["X-Request-Id"]


def test_server_error_below_api_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.api.operations.check_stores", lambda: 1 / 0)
    client = Client(raise_request_exception=False)

    response = client.get("/api/health/ready")

    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert response.json()["code"] == "server_error"
    assert "division" not in response.text


def test_problem_pages_explain_every_code() -> None:
    client = Client()

    assert client.get("/problems/last_owner").status_code == 200
    assert "at least one owner" in client.get("/problems/last_owner").text
    assert client.get("/problems/").text.count("/problems/") > 20
    assert client.get("/problems/no_such_problem").status_code == 404


def test_docs_page_has_no_inline_script_or_style() -> None:
    client = Client()

    page = client.get("/api/v1/docs/")
    script = client.get("/api/v1/docs/?script=")

    assert page.status_code == 200
    assert "<style" not in page.text
    assert "<script>" not in page.text
    assert " style=" not in page.text
    assert script["Content-Type"] == "application/javascript"
    assert "/api/v1/schema/" in script.text


def test_metrics_are_open_to_this_machine_only() -> None:
    client = Client()

    assert "tollgate_outbox_pending 0.0" in client.get("/metrics").text
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.9").status_code == 404
    assert client.get("/metrics", headers={"x-forwarded-for": "192.0.2.9"}).status_code == 404


def test_metrics_are_open_to_the_token(settings: object) -> None:
    settings.METRICS_TOKEN = "scrape-me"  # type: ignore[attr-defined]  # pytest-django's fixture
    client = Client(REMOTE_ADDR="192.0.2.9")

    right = client.get("/metrics", headers={"authorization": "Bearer scrape-me"})
    wrong = client.get("/metrics", headers={"authorization": "Bearer scrape-it"})

    assert (right.status_code, wrong.status_code) == (200, 404)
    assert "django_http_requests_total" in right.text
