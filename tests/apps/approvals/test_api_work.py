"""The back office's work over REST: filters, assignment, bulk, statistics, files, calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.approvals import services
from apps.approvals.models import ApprovalComment, ApprovalRequest
from apps.core import clock
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
QUEUE = "/api/v1/admin/approvals"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture
def approver() -> User:
    return make_staff("approver")


@pytest.fixture
def client(api_client: Clients, approver: User) -> APIClient:
    return api_client(approver)


@pytest.fixture
def member() -> Membership:
    return make_member("developer", OrganizationFactory(name="Nimbus"), name="Mia Roe")


def upload(name: str = "plan.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def ids(answer: Any) -> set[str]:
    return {row["id"] for row in answer.json()["data"]}


def test_filters_by_people_organization_time_and_words(
    client: APIClient, approver: User, member: Membership
) -> None:
    wanted, other = make_request(member), make_request()
    services.assign_request(request=wanted, assignee=approver, actor=actor_of(approver))
    make_older(other, timedelta(days=3))
    yesterday = (clock.now() - timedelta(days=1)).isoformat()

    for query in (
        {"mine": "true"},
        {"assignee": "me"},
        {"assignee": approver.public_id},
        {"organization": member.organization.public_id},
        {"q": "nimbus"},
        {"q": "mia roe"},
        {"q": f"{wanted.title} nimbus"},
        {"created_from": yesterday},
    ):
        assert ids(client.get(QUEUE, query)) == {wanted.public_id}, query
    for query in ({"mine": "false"}, {"assignee": "none"}, {"created_until": yesterday}):
        assert ids(client.get(QUEUE, query)) == {other.public_id}, query
    assert ids(client.get(QUEUE, {"type": "billing.refund"})) == set()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"assignee": "usr_?"}, "/assignee"),
        ({"organization": "x"}, "/organization"),
        ({"created_from": "yesterday"}, "/created_from"),
        ({"priority": "burning"}, "/priority"),
    ],
)
def test_bad_filters_name_the_field(client: APIClient, query: dict[str, str], pointer: str) -> None:
    answer = client.get(QUEUE, query)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


def test_total_counts_all_pages_and_pages_hold_each_request_once(client: APIClient) -> None:
    expected = {make_request().public_id for _ in range(5)}
    make_request(status="approved")

    seen: list[str] = []
    url = f"{QUEUE}?is_open=true&limit=2"
    while url:
        body = client.get(url).json()
        assert body["total"] == 5
        seen += [row["id"] for row in body["data"]]
        url = body["next"]

    assert (len(seen), set(seen)) == (5, expected)


def test_overdue_list_and_counts(client: APIClient, approver: User) -> None:
    late, waiting, _fresh = make_request(), make_request(), make_request()
    services.request_information(request=waiting, actor=actor_of(approver), question="Which?")
    services.claim_request(request=late, actor=actor_of(approver))
    for request in (late, waiting):
        make_older(request, timedelta(days=60))

    assert ids(client.get(f"{QUEUE}/overdue")) == {late.public_id}
    assert client.get(f"{QUEUE}/counts").json() == {
        "open": 3,
        "overdue": 1,
        "unassigned": 2,
        "mine": 1,
    }


def test_assign_claim_and_priority(client: APIClient, approver: User) -> None:
    request, colleague = make_request(), make_staff("approver")
    url = f"{QUEUE}/{request.public_id}"

    claimed = client.post(f"{url}/claim").json()
    given = client.post(f"{url}/assign", {"assignee": colleague.public_id}).json()
    back = client.post(f"{url}/assign", {"assignee": None}).json()
    urgent = client.post(f"{url}/priority", {"priority": "urgent"}).json()

    assert claimed["assignee"] == {"id": approver.public_id, "name": approver.get_full_name()}
    assert given["assignee"]["id"] == colleague.public_id
    assert back["assignee"] is None
    assert urgent["priority"] == "urgent"
    assert urgent["due_at"] < claimed["due_at"]
    actions = [row["action"] for row in client.get(f"{url}/history").json()["data"]]
    assert actions == ["requested", "assigned", "assigned", "assigned", "priority_changed"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("assign", {"assignee": "usr_unknown"}, "/assignee"),
        ("assign", {}, "/assignee"),
        ("priority", {"priority": "burning"}, "/priority"),
        ("approve", {}, "/comment"),
        ("approve", {"comment": "x", "conditions": "many"}, "/conditions"),
        ("escalate", {"comment": "x", "to_role": "finance"}, "/to_role"),
        ("request-information", {"comment": " "}, "/comment"),
    ],
)
def test_bad_input_names_the_field_and_changes_nothing(
    client: APIClient, path: str, body: dict[str, Any], pointer: str
) -> None:
    request = make_request()

    answer = client.post(f"{QUEUE}/{request.public_id}/{path}", body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert request.history.count() == 1


def test_approve_with_conditions_shows_them_to_the_requester(
    client: APIClient, api_client: Clients, member: Membership
) -> None:
    request = make_request(member)

    body = {"comment": "Fine", "conditions": ["Add a support address."]}
    client.post(f"{QUEUE}/{request.public_id}/approve", body)

    own = api_client(member).get(f"/api/v1/approvals/{request.public_id}").json()
    assert (own["status"], own["conditions"]) == ("approved", ["Add a support address."])
    assert own["allowed_actions"] == ["comment"]
    assert "assignee" not in own


def test_escalate_to_a_person(client: APIClient) -> None:
    request, operator = make_request(), make_staff("operator")

    body = {"comment": "Law", "assignee": operator.public_id}
    answer = client.post(f"{QUEUE}/{request.public_id}/escalate", body).json()

    assert (answer["status"], answer["priority"]) == ("escalated", "urgent")
    assert answer["assignee"]["id"] == operator.public_id


def test_bulk_of_ten_with_one_invalid(client: APIClient) -> None:
    wanted = [make_request().public_id for _ in range(9)] + ["apr_nothing"]

    answer = client.post(
        f"{QUEUE}/bulk", {"ids": wanted, "decision": "approve", "comment": "Checked"}
    )

    body = answer.json()
    assert (answer.status_code, body["done"], body["failed"]) == (200, 9, 1)
    assert [result["id"] for result in body["results"]] == wanted
    assert body["results"][-1]["outcome"] == "failed"
    assert body["results"][-1]["code"] == "not_found"
    assert ApprovalRequest.objects.filter(status="approved").count() == 9


def test_bulk_with_a_key_is_done_once(client: APIClient) -> None:
    body = {"ids": [make_request().public_id], "decision": "reject", "comment": "No"}

    first = client.post(f"{QUEUE}/bulk", body, headers={"Idempotency-Key": "b-1"})
    second = client.post(f"{QUEUE}/bulk", body, headers={"Idempotency-Key": "b-1"})

    assert first.json() == second.json()
    assert second.json()["done"] == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"ids": []}, "/ids"),
        ({"ids": ["apr_x"] * 101}, "/ids"),
        ({"decision": "maybe"}, "/decision"),
        ({"comment": ""}, "/comment"),
    ],
)
def test_malformed_bulk_names_the_field(
    client: APIClient, change: dict[str, Any], pointer: str
) -> None:
    good = {"ids": [make_request().public_id], "decision": "approve", "comment": "Checked"}

    answer = client.post(f"{QUEUE}/bulk", {**good, **change})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert ApprovalRequest.objects.get().status == "pending"


def test_statistics_match_the_rows(client: APIClient) -> None:
    now = clock.now()
    for hours, status in ((2, "approved"), (4, "rejected")):
        start = now - timedelta(hours=10)
        make_request(
            status=status,
            created_at=start,
            decided_at=start + timedelta(hours=hours),
            due_at=start + timedelta(hours=3),
        )

    body = client.get(f"{QUEUE}/statistics").json()

    assert (body["decided"], body["decided_in_time"], body["sla_compliance"]) == (2, 1, "50.00")
    assert body["to_decision"] == {
        "mean_hours": "3.00",
        "median_hours": "3.00",
        "p90_hours": "3.80",
    }
    assert body["by_status"]["approved"] == 1
    assert len(body["days"]) in {30, 31}


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-02-01T00:00Z", "until": "2026-01-01T00:00Z"},
        {"since": "2020-01-01T00:00Z"},
        {"since": "soon"},
    ],
)
def test_impossible_ranges_are_refused(client: APIClient, query: dict[str, str]) -> None:
    answer = client.get(f"{QUEUE}/statistics", query)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/since")


def test_files_are_downloaded_by_who_may_read_the_comment(
    client: APIClient, api_client: Clients, member: Membership
) -> None:
    request = make_request(member)
    url, own = f"{QUEUE}/{request.public_id}", f"/api/v1/approvals/{request.public_id}"
    files: dict[str, str] = {}
    for is_internal in ("true", "false"):
        form = {"comment": "See", "is_internal": is_internal, "files": [upload(), upload("b.png")]}
        answer = client.post(f"{url}/comments", form, format="multipart")
        assert answer.status_code == 201
        files[is_internal] = answer.json()["attachments"][0]["id"]

    staff = client.get(f"{url}/attachments/{files['true']}")
    public = api_client(member).get(f"{own}/attachments/{files['false']}")

    assert (staff.status_code, staff.content) == (200, PNG)
    assert public.headers["Content-Type"] == "image/png"
    assert public.headers["Content-Disposition"] == 'attachment; filename="plan.png"'
    assert public.headers["X-Content-Type-Options"] == "nosniff"
    assert api_client(member).get(f"{own}/attachments/{files['true']}").status_code == 404
    stranger = api_client(make_member("owner"))
    assert stranger.get(f"{own}/attachments/{files['false']}").status_code == 404
    other = f"{QUEUE}/{make_request().public_id}/attachments/{files['true']}"
    assert client.get(other).status_code == 404


def test_requester_comments_and_answers_with_files(
    client: APIClient, api_client: Clients, member: Membership, approver: User
) -> None:
    request = make_request(member)
    own, mine = api_client(member), f"/api/v1/approvals/{request.public_id}"
    form = {"comment": "Our plan", "files": [upload("plan.json", b'{"a": 1}')]}

    commented = own.post(f"{mine}/comments", form, format="multipart")
    services.request_information(request=request, actor=actor_of(approver), question="Which?")
    form = {"comment": "These", "files": [upload()]}
    answered = own.post(f"{mine}/information", form, format="multipart")

    assert commented.json()["attachments"][0]["content_type"] == "application/json"
    assert commented.json()["is_internal"] is False
    assert answered.json()["status"] == "pending"
    listed = own.get(f"{mine}/comments").json()
    assert (listed["next"], listed["previous"]) == (None, None)
    assert [len(comment["attachments"]) for comment in listed["data"]] == [1, 0, 1]
    assert client.get(f"{QUEUE}/{request.public_id}/comments").json() == listed


def test_requester_cannot_write_internal_comments(api_client: Clients, member: Membership) -> None:
    request = make_request(member)

    body = {"comment": "Psst", "is_internal": True}
    answer = api_client(member).post(f"/api/v1/approvals/{request.public_id}/comments", body)

    assert answer.json()["is_internal"] is False


def test_refused_file_names_the_field(client: APIClient) -> None:
    url = f"{QUEUE}/{make_request().public_id}/comments"

    form = {"comment": "See", "files": [upload("run.exe", b"MZ\x90\x00")]}
    answer = client.post(url, form, format="multipart")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/files")
    assert not ApprovalComment.objects.exists()


def test_comment_with_a_file_and_a_key_is_written_once(client: APIClient) -> None:
    url = f"{QUEUE}/{make_request().public_id}/comments"
    headers = {"Idempotency-Key": "c-1"}

    def send(content: bytes = PNG) -> Any:
        form = {"comment": "See", "files": [upload(content=content)]}
        return client.post(url, form, format="multipart", headers=headers)

    first, second, other = send(), send(), send(PNG + b"x")

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert ApprovalComment.objects.count() == 1


@pytest.mark.parametrize("item_count", [1, 3])
def test_comments_need_the_same_queries_for_any_length(
    client: APIClient, item_count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    url = f"{QUEUE}/{make_request().public_id}/comments"
    for _ in range(item_count):
        client.post(url, {"comment": "See", "files": [upload()]}, format="multipart")

    with django_assert_num_queries(4):
        client.get(url)


@pytest.mark.parametrize("item_count", [1, 3])
def test_own_list_needs_the_same_queries_for_any_length(
    api_client: Clients,
    member: Membership,
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(item_count):
        make_request(member)
    client = api_client(member)

    with django_assert_num_queries(1):
        assert len(client.get("/api/v1/approvals").json()["data"]) == item_count


def test_operator_sets_the_calendar(client: APIClient, api_client: Clients) -> None:
    calendar = {
        "timezone": "Africa/Harare",
        "weekday_hours": {"mon": ["08:00-12:00", "13:00-17:00"]},
        "holidays": ["2026-04-18"],
    }
    operator = api_client(make_staff("operator"))

    assert client.get(f"{QUEUE}/calendar").json()["timezone"] == "UTC"
    assert client.put(f"{QUEUE}/calendar", calendar).status_code == 403
    assert operator.put(f"{QUEUE}/calendar", calendar).json() == calendar
    bad = operator.put(f"{QUEUE}/calendar", {**calendar, "timezone": "Mars/Base"})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (400, "/timezone")
    assert client.get(f"{QUEUE}/calendar").json() == calendar
