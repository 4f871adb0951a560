"""Documents of an API that exists: read and compared first, then applied, discarded, or put before an approver."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis import services
from apps.apis.exceptions import ImportSettled, UpdatePending, VersionRetired
from apps.apis.models import Api, ApiUpdate, Endpoint, OpenapiImport
from apps.apis.openapi import MAX_DOCUMENT_BYTES
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import approve_request, reject_request
from apps.core.actors import Actor
from tests.factories.accounts import actor_of, make_staff
from tests.factories.apis import ApiFactory, make_api

pytestmark = pytest.mark.django_db

LIBRARY = Path(__file__).parents[2] / "vectors" / "openapi_town_library.yaml"
URL = "/api/v1/provider/apis"


def document(version: str = "1.0", **paths: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        f"/{name}": {"get": {"responses": {}}} for name in paths or {"now": True}
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Weather", "version": version},
        "paths": described,
    }


def as_bytes(content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def actor(member: Membership) -> Actor:
    return actor_of(member)


@pytest.fixture
def live(member: Membership, actor: Actor) -> Api:
    api = make_api("active", member.organization)
    services.import_openapi(api=api, content=as_bytes(document(now=1, later=1)), actor=actor)
    return api


def read(api: Api, content: Any, actor: Actor) -> OpenapiImport:
    row = services.prepare_import(api=api, content=as_bytes(content), actor=actor).row
    assert row is not None
    return row


def paths_of(api: Api) -> set[str]:
    rows = Endpoint.objects.filter(version__api=api, version__is_current=True)
    return set(rows.values_list("path", flat=True))


def test_a_large_document_is_imported_with_everything_that_it_describes(actor: Actor) -> None:
    api = make_api("draft")

    done = services.import_openapi(
        api=api, content=LIBRARY.read_bytes(), actor=Actor.system("test")
    )

    assert (done.version_name, done.endpoint_count) == ("2026.1", 52)
    loan = Endpoint.objects.get(operation_id="listLoans")
    assert [item["name"] for item in loan.parameters] == ["cursor", "limit", "q"]
    assert loan.responses["default"]["description"] == "What went wrong."
    assert Endpoint.objects.get(operation_id="removeShelf").is_deprecated


def test_a_large_document_compared_with_itself_changes_nothing() -> None:
    api = make_api("draft")
    actor = Actor.system("test")
    services.import_openapi(api=api, content=LIBRARY.read_bytes(), actor=actor)

    done = services.prepare_import(api=api, content=LIBRARY.read_bytes() + b"\n", actor=actor)

    assert done.row is not None
    assert (done.row.changes, done.row.is_breaking) == ([], False)


def test_reading_changes_nothing_and_applying_does(live: Api, actor: Actor) -> None:
    row = read(live, document("1.1", now=1, later=1, soon=1), actor)

    assert [(change["kind"], change["subject"]) for change in row.changes] == [
        ("added", "GET /soon")
    ]
    assert paths_of(live) == {"/now", "/later"}
    done = services.apply_import(row=row, actor=actor)

    assert not done.is_waiting
    assert paths_of(live) == {"/now", "/later", "/soon"}
    assert live.versions.get(is_current=True).name == "1.1"


def test_discarding_keeps_what_was_and_cannot_be_done_twice(live: Api, actor: Actor) -> None:
    row = read(live, document(soon=1), actor)

    discarded = services.discard_import(row=row, actor=actor)

    assert (discarded.status, discarded.document) == ("discarded", {})
    assert paths_of(live) == {"/now", "/later"}
    for settle in (services.discard_import, services.apply_import):
        with pytest.raises(ImportSettled):
            settle(row=row, actor=actor)


def test_the_next_document_takes_the_place_of_one_that_waits(live: Api, actor: Actor) -> None:
    first, second = read(live, document(a=1), actor), read(live, document(b=1), actor)

    first.refresh_from_db()
    assert (first.status, second.status) == ("discarded", "pending")


def test_a_breaking_document_of_a_live_api_waits_for_an_approver(live: Api, actor: Actor) -> None:
    row = read(live, document("2.0", now=1), actor)

    done = services.apply_import(row=row, actor=actor)

    assert done.is_waiting
    assert paths_of(live) == {"/now", "/later"}
    with pytest.raises(UpdatePending):
        services.discard_import(row=row, actor=actor)
    request = ApprovalRequest.objects.get(subject_type="apis.api_update")
    approve_request(request=request, actor=actor_of(make_staff("approver")), comment="Fine")
    assert paths_of(live) == {"/now"}
    assert OpenapiImport.objects.get(pk=row.pk).status == "applied"


def test_a_refused_document_leaves_the_api_and_can_be_discarded(live: Api, actor: Actor) -> None:
    row = read(live, document("2.0", now=1), actor)
    services.apply_import(row=row, actor=actor)
    request = ApprovalRequest.objects.get(subject_type="apis.api_update")

    reject_request(request=request, actor=actor_of(make_staff("approver")), comment="No")

    assert paths_of(live) == {"/now", "/later"}
    assert services.discard_import(row=row, actor=actor).status == "discarded"


def test_a_document_for_a_prepared_version_fills_it_without_being_current(
    live: Api, actor: Actor
) -> None:
    prepared = services.create_version(api=live, name="2.0", actor=actor)

    services.apply_import(row=read(live, document("2.0", now=1), actor), actor=actor)

    prepared.refresh_from_db()
    assert (prepared.status, prepared.is_current, prepared.endpoints.count()) == ("draft", False, 1)
    assert paths_of(live) == {"/now", "/later"}


def test_a_retired_version_takes_no_document(live: Api, actor: Actor) -> None:
    live.versions.update(status="retired")

    with pytest.raises(VersionRetired):
        services.apply_import(row=read(live, document(now=1, later=1, soon=1), actor), actor=actor)


# --- REST and pages ---------------------------------------------------------------------------------


@pytest.fixture
def client(member: Membership, api_client: Callable[..., APIClient]) -> APIClient:
    return api_client(member)


def send(client: APIClient, api: Api, content: bytes, **extra: Any) -> Any:
    upload = SimpleUploadedFile("openapi.json", content)
    url = f"{URL}/{api.public_id}/openapi"
    return client.post(url, {"file": upload, **extra}, format="multipart")


def test_rest_reads_shows_applies_and_discards(client: APIClient, live: Api) -> None:
    url = f"{URL}/{live.public_id}/imports"
    first = send(client, live, as_bytes(document("1.1", now=1, later=1, soon=1)))
    import_id = first.json()["openapi_import"]["id"]

    assert first.status_code == 202
    shown = client.get(f"{url}/{import_id}").json()
    assert shown["changes"][0]["pointer"] == "/paths/~1soon/get"
    assert client.post(f"{url}/{import_id}/apply", {}).status_code == 200
    again = client.post(f"{url}/{import_id}/apply", {})
    assert (again.status_code, again.json()["code"]) == (409, "import_settled")
    second = send(client, live, as_bytes(document("1.2", now=1, later=1))).json()["openapi_import"]
    assert second["is_breaking"] is True
    assert client.post(f"{url}/{second['id']}/discard", {}).json()["status"] == "discarded"


def test_rest_applies_at_once_when_told_to(client: APIClient, live: Api) -> None:
    harmless = send(client, live, as_bytes(document("1.1", now=1, later=1, soon=1)), apply="true")
    breaking = send(client, live, as_bytes(document("1.2", now=1)), apply="true")

    assert (harmless.status_code, breaking.status_code) == (200, 202)
    assert breaking.json()["is_waiting"] is True
    assert paths_of(live) == {"/now", "/later", "/soon"}
    assert ApiUpdate.objects.count() == 1


@pytest.mark.parametrize("item_count", [1, 3])
def test_list_needs_the_same_queries_for_any_length(
    client: APIClient,
    live: Api,
    actor: Actor,
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(item_count):
        read(live, document(f"3.{number}"), actor)

    with django_assert_num_queries(2):
        rows = client.get(f"{URL}/{live.public_id}/imports").json()["data"]

    assert len(rows) == item_count + 1


def test_imports_of_another_api_do_not_exist(client: APIClient, live: Api) -> None:
    other = make_api("draft")
    row = read(other, document(), Actor.system("test"))

    assert client.get(f"{URL}/{other.public_id}/imports").status_code == 404
    assert client.get(f"{URL}/{live.public_id}/imports/{row.public_id}").status_code == 404
    applied = client.post(f"{URL}/{live.public_id}/imports/{row.public_id}/apply", {})
    assert applied.status_code == 404


class Unread(io.RawIOBase):
    """Fifty megabytes that must not be read."""

    def read(self, _size: int = -1) -> bytes:
        raise AssertionError("the body was read")


def huge_request() -> dict[str, Any]:
    return {
        "wsgi.input": Unread(),
        "CONTENT_LENGTH": str(50 * 1024 * 1024),
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
    }


def test_fifty_megabytes_are_refused_unread(client: APIClient, live: Api) -> None:
    answer = client.generic("POST", f"{URL}/{live.public_id}/openapi", **huge_request())

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_fifty_megabytes_on_a_page_are_refused_unread(
    member: Membership, live: Api, client_for: Callable[..., Client]
) -> None:
    answer = client_for(member).generic(
        "POST", f"/console/provider/apis/{live.public_id}/import/", **huge_request()
    )

    assert answer.status_code == 413
    assert "at most 32 MB" in answer.content.decode()


def test_a_few_megabytes_are_refused_unread_naming_the_field(client: APIClient, live: Api) -> None:
    request = {**huge_request(), "CONTENT_LENGTH": str(3 * 1024 * 1024)}

    answer = client.generic("POST", f"{URL}/{live.public_id}/openapi", **request)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (413, "/file")


def circle() -> dict[str, Any]:
    content = copy.deepcopy(document())
    content["paths"]["/now"]["get"]["responses"] = {"200": {"$ref": "#/components/responses/a"}}
    content["components"] = {
        "responses": {
            "a": {"$ref": "#/components/responses/b"},
            "b": {"$ref": "#/components/responses/a"},
        }
    }
    return content


@pytest.mark.parametrize(
    ("content", "code", "pointer"),
    [
        (b"\x00\x01\x02 neither: [", "not_yaml", "/"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "too_large", "/"),
        (as_bytes(circle()), "cyclic_ref", "/paths/~1now/get/responses/200"),
        (as_bytes({"swagger": "2.0"}), "unsupported_version", "/swagger"),
        (as_bytes({**document(), "openapi": "3.2.0"}), "unsupported_version", "/openapi"),
        (b"a: &a [*a]", "too_deep", None),
    ],
)
@pytest.mark.parametrize("is_live", [True, False])
def test_a_broken_document_is_a_400_with_a_pointer_and_saves_nothing(
    client: APIClient,
    member: Membership,
    live: Api,
    content: bytes,
    code: str,
    pointer: str | None,
    *,
    is_live: bool,
) -> None:
    api = live if is_live else ApiFactory(organization=member.organization)
    before = (OpenapiImport.objects.count(), Endpoint.objects.count())

    answer = send(client, api, content)

    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"]) == (400, code)
    assert pointer is None or error["pointer"] == pointer
    assert (OpenapiImport.objects.count(), Endpoint.objects.count()) == before
