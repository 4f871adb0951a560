"""The provider's REST side, from a draft to a submission."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis import requirements
from apps.apis.models import Api, Endpoint, UpstreamSecret
from apps.apis.services import set_upstream_secret
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from tests.apps.apis.conftest import Upstream
from tests.factories.apis import ApiFactory, CategoryFactory, make_api

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
URL = "/api/v1/provider/apis"
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Weather", "version": "1.0", "description": "All about it"},
    "paths": {"/now": {"get": {"summary": "Weather now", "responses": {}}}},
}


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def client(member: Membership, api_client: Clients) -> APIClient:
    return api_client(member)


def listing(**changes: Any) -> dict[str, Any]:
    category = CategoryFactory()
    fields = {
        "name": "City Weather",
        "category": category.slug,
        "upstream_url": "https://w.example.com",
    }
    return {**fields, **changes}


def test_create_answers_the_draft(client: APIClient, member: Membership) -> None:
    answer = client.post(URL, listing(tags=["Weather"], allowed_methods=["GET"]))

    body = answer.json()
    assert answer.status_code == 201
    assert (body["slug"], body["status"], body["tags"]) == ("city-weather", "draft", ["weather"])
    assert Api.objects.get().public_id == body["id"]
    assert Api.objects.get().organization_id == member.organization_id


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": ""}, 400, "name"),
        ({"category": "nothing"}, 400, "category"),
        ({"upstream_url": "not a url"}, 400, "upstream_url"),
        ({"upstream_url": "http://169.254.169.254/"}, 422, "upstream_url"),
        ({"allowed_methods": ["BREW"]}, 400, "allowed_methods/0"),
        ({"slug": "console"}, 400, "slug"),
        ({"health_expected_status": 99}, 400, "health_expected_status"),
        ({"visibility": "hidden"}, 400, "visibility"),
    ],
)
def test_create_names_the_wrong_field(
    client: APIClient, change: dict[str, Any], status: int, field: str
) -> None:
    answer = client.post(URL, listing(**change))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, f"/{field}")
    assert not Api.objects.exists()


def test_create_without_needed_fields_names_them_all(client: APIClient) -> None:
    errors = client.post(URL, {}).json()["errors"]

    assert {error["pointer"] for error in errors} == {"/name", "/category", "/upstream_url"}


def test_create_twice_with_one_idempotency_key_makes_one_api(client: APIClient) -> None:
    body = listing()
    first, second = (
        client.post(URL, body, headers={"Idempotency-Key": "create-1"}) for _ in range(2)
    )

    assert first.json()["id"] == second.json()["id"]
    assert Api.objects.count() == 1


@pytest.mark.parametrize("item_count", [1, 3])
def test_list_needs_the_same_queries_for_any_length(
    client: APIClient,
    member: Membership,
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(item_count):
        ApiFactory(organization=member.organization)
    ApiFactory()

    with django_assert_num_queries(1):
        rows = client.get(URL).json()["data"]

    assert len(rows) == item_count


def test_patch_changes_only_what_is_named(client: APIClient, member: Membership) -> None:
    api = ApiFactory(organization=member.organization)

    answer = client.patch(f"{URL}/{api.public_id}/", {"name": "Better"})

    assert (answer.status_code, answer.json()["name"]) == (200, "Better")
    assert answer.json()["upstream_url"] == api.upstream_url


@pytest.mark.parametrize("path", ["", "status/", "upstream-check/", "secrets/"])
def test_other_tenants_api_does_not_exist(client: APIClient, path: str) -> None:
    assert client.get(f"{URL}/{ApiFactory().public_id}/{path}").status_code == 404


def test_viewer_may_not_change(
    api_client: Clients, make_member: Callable[..., Membership], member: Membership
) -> None:
    api = ApiFactory(organization=member.organization)
    viewer = api_client(make_member("viewer", member.organization))

    assert viewer.get(f"{URL}/{api.public_id}/").status_code == 200
    assert viewer.patch(f"{URL}/{api.public_id}/", {"name": "x"}).status_code == 403


def test_import_file_makes_endpoints_and_fills_empty_texts(
    client: APIClient, member: Membership
) -> None:
    api = ApiFactory(organization=member.organization, short_description="Mine")
    upload = SimpleUploadedFile("openapi.json", json.dumps(DOCUMENT).encode())

    answer = client.post(f"{URL}/{api.public_id}/openapi/", {"file": upload}, format="multipart")
    upload.seek(0)
    again = client.post(f"{URL}/{api.public_id}/openapi/", {"file": upload}, format="multipart")

    body = answer.json()
    assert (answer.status_code, body["version"], body["endpoint_count"]) == (200, "1.0", 1)
    assert (body["is_unchanged"], body["openapi_import"]["status"]) == (False, "applied")
    assert again.json()["is_unchanged"] is True
    api.refresh_from_db()
    assert (api.description, api.short_description) == ("All about it", "Mine")
    assert str(Endpoint.objects.get()) == "GET /now"


def test_import_from_address_reads_it(
    client: APIClient, member: Membership, upstream: Upstream
) -> None:
    upstream.answers["/openapi.json"] = (200, json.dumps(DOCUMENT).encode())
    api = ApiFactory(organization=member.organization)

    answer = client.post(f"{URL}/{api.public_id}/openapi/", {"url": f"{upstream.url}/openapi.json"})

    assert answer.status_code == 200
    assert api.versions.get().openapi_source_url == f"{upstream.url}/openapi.json"


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://169.254.169.254/latest", 422, "unsafe_url"),
        ("http://10.1.2.3/openapi.json", 422, "unsafe_url"),
        ("{upstream}/missing.json", 400, "document_not_fetched"),
    ],
)
def test_import_refuses_addresses(
    client: APIClient, member: Membership, upstream: Upstream, url: str, status: int, code: str
) -> None:
    api = ApiFactory(organization=member.organization)

    answer = client.post(
        f"{URL}/{api.public_id}/openapi/", {"url": url.format(upstream=upstream.url)}
    )

    error = answer.json()["errors"][0]
    assert (answer.status_code, error["pointer"], error["code"]) == (status, "/url", code)


def test_import_of_a_bad_document_points_into_it_and_saves_nothing(
    client: APIClient, member: Membership
) -> None:
    api = ApiFactory(organization=member.organization)
    bad = {**DOCUMENT, "paths": {"/a/{b}": {"get": {}}}}
    upload = SimpleUploadedFile("openapi.json", json.dumps(bad).encode())

    answer = client.post(f"{URL}/{api.public_id}/openapi/", {"file": upload}, format="multipart")

    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "openapi_invalid")
    assert body["errors"][0]["pointer"] == "/paths/~1a~1{b}/get"
    assert not api.versions.exists()


def test_import_wants_a_file_or_an_address(client: APIClient, member: Membership) -> None:
    api = ApiFactory(organization=member.organization)

    answer = client.post(f"{URL}/{api.public_id}/openapi/", {})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/file")


def test_submit_checks_the_upstream_and_shows_where_it_stands(
    client: APIClient, member: Membership, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {item.code: item for item in requirements.OWN_REQUIREMENTS}
    monkeypatch.setattr(requirements, "_requirements", own)
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)
    url = f"{URL}/{api.public_id}/"

    answer = client.post(f"{url}submit/", {})
    body = client.get(f"{url}status/").json()

    assert (answer.status_code, answer.json()["status"]) == (202, "pending_approval")
    assert [row["to_status"] for row in body["history"]] == [
        "draft",
        "submitted",
        "pending_approval",
    ]
    assert body["history"][1]["by"] == member.user.name
    assert body["approval_id"].startswith("apr_")
    assert body["upstream_check"]["is_healthy"] is True


def test_submit_with_unreachable_upstream_says_so(
    client: APIClient, member: Membership, upstream: Upstream
) -> None:
    upstream.answers.clear()
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)

    answer = client.post(f"{URL}/{api.public_id}/submit/", {})

    assert (answer.status_code, answer.json()["code"]) == (422, "requirements_unmet")
    assert "reachable_upstream" in {item["code"] for item in answer.json()["unmet"]}
    check = client.get(f"{URL}/{api.public_id}/upstream-check/").json()["data"][0]
    assert (check["status_code"], check["error"]) == (404, "It answered 404 instead of 200.")


def test_secret_is_stored_encrypted_sent_to_the_upstream_and_never_shown(
    client: APIClient, member: Membership, upstream: Upstream
) -> None:
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)
    url = f"{URL}/{api.public_id}/secrets/"

    made = client.post(url, {"header_name": "X-Upstream-Token", "value": "s3cret-value"})
    shown = client.get(url)
    client.post(f"{URL}/{api.public_id}/upstream-check/", {})

    assert (made.status_code, made.json()["header_name"]) == (201, "X-Upstream-Token")
    assert [row["header_name"] for row in shown.json()["data"]] == ["X-Upstream-Token"]
    assert "s3cret-value" not in made.content.decode() + shown.content.decode()
    stored = UpstreamSecret.objects.raw("SELECT id, value AS ciphertext FROM apis_upstreamsecret")[
        0
    ]
    assert "s3cret-value" not in vars(stored)["ciphertext"]
    assert upstream.requests[-1][1]["X-Upstream-Token"] == "s3cret-value"
    assert "s3cret-value" not in str(list(AuditEvent.objects.values()))
    removed = client.delete(f"{url}{made.json()['id']}/")
    assert (removed.status_code, UpstreamSecret.objects.count()) == (204, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "x"),
        ("X-Api-Key", "x"),
        ("bad name", "x"),
        ("X-Ok", "line\nbreak"),
        ("X-Ok", "ümlaut"),
    ],
)
def test_secret_refuses_headers_that_would_break_the_call(
    client: APIClient, member: Membership, name: str, value: str
) -> None:
    api = ApiFactory(organization=member.organization)

    answer = client.post(f"{URL}/{api.public_id}/secrets/", {"header_name": name, "value": value})

    assert answer.status_code == 400
    assert not UpstreamSecret.objects.exists()


def test_secret_of_another_api_is_not_found(client: APIClient, member: Membership) -> None:
    mine, other = ApiFactory(organization=member.organization), ApiFactory()
    secret = set_upstream_secret(
        api=other, header_name="X-A", value="x", actor=Actor.system("test")
    )

    answer = client.delete(f"{URL}/{mine.public_id}/secrets/{secret.public_id}/")

    assert (answer.status_code, UpstreamSecret.objects.count()) == (404, 1)


def test_suspend_and_resume_over_rest(client: APIClient, member: Membership) -> None:
    url = f"{URL}/{make_api('active', member.organization).public_id}/"

    suspended = client.post(f"{url}suspend/", {"reason": "maintenance"}).json()
    resumed = client.post(f"{url}resume/", {}).json()

    assert (suspended["status"], suspended["status_reason"]) == ("suspended", "maintenance")
    assert resumed["status"] == "active"


def test_retry_over_rest_registers_again(client: APIClient, member: Membership) -> None:
    api = make_api("failed", member.organization)

    answer = client.post(f"{URL}/{api.public_id}/retry/", {})

    assert (answer.status_code, answer.json()["status"]) == (202, "registering")
