"""Submitting and creating twice, one after the other and at once: one outcome, one answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from apps.accounts.models import Membership
from apps.apis import requirements
from apps.apis.models import Api
from apps.approvals.models import ApprovalRequest
from tests.apps.apis.conftest import Upstream
from tests.clients import api_client
from tests.factories.accounts import make_member
from tests.factories.apis import ApiFactory, CategoryFactory

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/provider/apis"
DOCUMENT = json.dumps(
    {
        "openapi": "3.0.3",
        "info": {"title": "Weather", "version": "1.0"},
        "paths": {"/now": {"get": {"summary": "Weather now", "responses": {}}}},
    }
).encode()


@pytest.fixture(autouse=True)
def only_own_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {item.code: item for item in requirements.OWN_REQUIREMENTS}
    monkeypatch.setattr(requirements, "_requirements", own)


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """Do it in several threads that start together."""
    answers: list[Any] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait(timeout=30)
            answers.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return answers


def submit(member: Membership, api: Api, key: str | None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return api_client(member).post(f"{URL}/{api.public_id}/submit", {}, headers=headers)


def test_a_submission_is_repeated_with_the_same_answer(upstream: Upstream) -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)

    first, second = (submit(member, api, "one") for _ in range(2))

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second.headers["Idempotent-Replayed"] == "true"
    assert ApprovalRequest.objects.count() == 1


def test_submissions_at_once_with_one_key_have_one_outcome(upstream: Upstream) -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)

    answers = at_once(4, lambda: submit(member, api, "one"))

    assert [answer.status_code for answer in answers] == [202] * 4
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert ApprovalRequest.objects.count() == 1
    assert api.status_changes.count() == 3


def test_submissions_at_once_without_a_key_have_one_winner(upstream: Upstream) -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)

    answers = at_once(4, lambda: submit(member, api, None))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert ApprovalRequest.objects.count() == 1


def test_creations_at_once_with_one_key_make_one_api() -> None:
    member = make_member("developer")
    body = {
        "name": "City Weather",
        "category": CategoryFactory().slug,
        "upstream_url": "https://w.example.com",
    }

    answers = at_once(
        4, lambda: api_client(member).post(URL, body, headers={"Idempotency-Key": "one"})
    )

    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {
        (201, Api.objects.get().public_id)
    }


def test_a_repeated_submission_does_not_call_the_upstream_again(upstream: Upstream) -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)

    submit(member, api, "one")
    called = len(upstream.requests)
    replay = submit(member, api, "one")

    assert (called, len(upstream.requests)) == (1, 1)
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert api.health_checks.count() == 1


def test_a_key_of_another_submission_is_refused_before_the_upstream_is_called(
    upstream: Upstream,
) -> None:
    member = make_member("developer")
    apis = [
        ApiFactory(organization=member.organization, upstream_url=upstream.url) for _ in range(2)
    ]

    submit(member, apis[0], "one")
    refused = submit(member, apis[1], "one")

    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")
    assert len(upstream.requests) == 1


def upload(member: Membership, api: Api, content: bytes, key: str) -> Any:
    return api_client(member).post(
        f"{URL}/{api.public_id}/openapi",
        {"file": SimpleUploadedFile("openapi.json", content)},
        format="multipart",
        headers={"Idempotency-Key": key},
    )


def test_an_uploaded_document_is_repeated_with_the_same_answer() -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization)

    first, second = (upload(member, api, DOCUMENT, "one") for _ in range(2))
    other = upload(member, api, DOCUMENT.replace(b"1.0", b"2.0"), "one")

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.json()["is_unchanged"] is False
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert api.versions.count() == 1


def test_a_refused_document_may_be_corrected_under_its_key() -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization)

    refused = upload(member, api, b"{", "one")
    corrected = upload(member, api, DOCUMENT, "one")

    assert (refused.status_code, corrected.status_code) == (400, 200)


def test_a_document_is_not_fetched_again_for_a_replay(upstream: Upstream) -> None:
    member = make_member("developer")
    api = ApiFactory(organization=member.organization)
    upstream.answers["/openapi.json"] = (200, DOCUMENT)

    answers = [
        api_client(member).post(
            f"{URL}/{api.public_id}/openapi",
            {"url": f"{upstream.url}/openapi.json"},
            headers={"Idempotency-Key": "one"},
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [path for path, _headers in upstream.requests] == ["/openapi.json"]
