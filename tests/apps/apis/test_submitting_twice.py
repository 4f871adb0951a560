"""Submitting and creating twice, one after the other and at once: one outcome, one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
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
