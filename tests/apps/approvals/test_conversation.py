"""Comments, mentions, files and conditions."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from apps.accounts.models import User
from apps.approvals import services
from apps.approvals.attachments import MAX_BYTES, sniff
from apps.approvals.exceptions import AttachmentRefused, CommentRequired
from apps.approvals.models import ApprovalAttachment, ApprovalComment, ApprovalRequest
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture
def approver() -> Actor:
    return actor_of(make_staff("approver"))


def named(name: str, email: str) -> User:
    person = make_staff("approver")
    User.objects.filter(pk=person.pk).update(name=name, email=email)
    person.refresh_from_db()
    return person


@pytest.mark.parametrize(
    ("body", "is_meant"),
    [
        ("@ann.lee please look", True),
        ("What do you think, @annlee?", True),
        ("(@Ann)", True),
        ("ask @a.lee.", True),
        ("mail a@ann.lee or b@annlee.com", False),
        ("@anna, not her", False),
        ("ann.lee without a sign", False),
    ],
)
def test_staff_are_mentioned_by_name_or_by_the_front_of_their_address(
    approver: Actor, body: str, *, is_meant: bool
) -> None:
    ann = named("Ann Lee", "a.lee@example.com")

    comment = services.add_comment(
        request=make_request(), actor=approver, body=body, is_internal=True
    )

    assert list(comment.mentions.all()) == ([ann] if is_meant else [])


def test_nobody_mentions_themselves_or_people_outside_the_queue(approver: Actor) -> None:
    member = make_member("owner", name="Mia Roe")
    author = named("Ann Lee", "a.lee@example.com")

    comment = services.add_comment(
        request=make_request(member), actor=actor_of(author), body="@ann @mia", is_internal=False
    )

    assert not comment.mentions.exists()


def test_requester_mentions_nobody() -> None:
    named("Ann Lee", "a.lee@example.com")
    member = make_member("developer")

    comment = services.add_comment(
        request=make_request(member), actor=actor_of(member), body="@ann.lee?", is_internal=False
    )

    assert not comment.mentions.exists()


def test_first_word_of_staff_is_the_response_and_the_next_are_not(approver: Actor) -> None:
    member = make_member("developer")
    request = make_request(member)
    services.add_comment(request=request, actor=actor_of(member), body="Hello?", is_internal=False)
    assert ApprovalRequest.objects.get().first_response_at is None

    services.add_comment(request=request, actor=approver, body="Soon", is_internal=False)
    first = ApprovalRequest.objects.get().first_response_at
    services.approve_request(request=request, actor=approver, comment="Yes")

    assert first is not None
    assert ApprovalRequest.objects.get().first_response_at == first


def test_decision_is_a_response(approver: Actor) -> None:
    services.reject_request(request=make_request(), actor=approver, comment="No")

    decided = ApprovalRequest.objects.get()
    assert decided.first_response_at is not None


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0abc", "image/jpeg"),
        (b'{"openapi": "3.1.0"}', "application/json"),
        (b"[1, 2", "text/plain"),
        ("Grüße\n".encode(), "text/plain"),
        (b"<script>alert(1)</script>", "text/plain"),
        (b"MZ\x90\x00\x03", ""),
        (b"PK\x03\x04", ""),
        (b"\xfe\xff\x00a", ""),
    ],
)
def test_files_are_known_by_their_bytes(content: bytes, content_type: str) -> None:
    assert sniff(content) == content_type


def test_files_are_stored_with_their_comment_under_a_plain_name(approver: Actor) -> None:
    files = [
        ContentFile(PNG, name="..\\..\\evil\r\n.png"),
        ContentFile(b"text", name="/etc/notes.txt"),
    ]

    services.add_comment(
        request=make_request(), actor=approver, body="See", is_internal=True, files=files
    )

    stored = ApprovalAttachment.objects.values_list("name", "content_type", "size_bytes")
    assert list(stored) == [("evil.png", "image/png", 28), ("notes.txt", "text/plain", 4)]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([(b"x", "a.txt")] * 6, "At most 5 files"),
        ([(b"x" * (MAX_BYTES + 1), "large.txt")], "“large.txt” is larger"),
        ([(b"", "empty.txt")], "“empty.txt” is empty"),
        ([(b"fine", "a.txt"), (b"MZ\x90\x00", "run.exe")], "“run.exe” is neither"),
    ],
)
def test_refused_file_names_the_reason_and_saves_nothing(
    approver: Actor, files: list[tuple[bytes, str]], reason: str
) -> None:
    with pytest.raises(AttachmentRefused) as caught:
        services.add_comment(
            request=make_request(),
            actor=approver,
            body="See",
            is_internal=True,
            files=[ContentFile(content, name=name) for content, name in files],
        )

    assert reason in str(caught.value.detail)
    assert caught.value.field == "files"
    assert not ApprovalComment.objects.exists()


def test_file_of_the_greatest_size_is_taken(approver: Actor) -> None:
    files = [ContentFile(b"x" * MAX_BYTES, name="a.txt")]

    services.add_comment(
        request=make_request(), actor=approver, body="See", is_internal=True, files=files
    )

    assert ApprovalAttachment.objects.get().size_bytes == MAX_BYTES


def test_approval_keeps_its_conditions(approver: Actor) -> None:
    services.approve_request(
        request=make_request(),
        actor=approver,
        comment="Fine",
        conditions=[" Add a support address. ", "", "Name the data's licence."],
    )

    assert ApprovalRequest.objects.get().conditions == [
        "Add a support address.",
        "Name the data's licence.",
    ]


@pytest.mark.parametrize("conditions", [["x"] * 21, ["x" * 501]])
def test_too_many_or_too_long_conditions_decide_nothing(
    approver: Actor, conditions: list[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.approve_request(
            request=make_request(), actor=approver, comment="Fine", conditions=conditions
        )

    assert caught.value.field == "conditions"
    assert ApprovalRequest.objects.get().status == "pending"


def test_approval_needs_a_comment(approver: Actor) -> None:
    with pytest.raises(CommentRequired):
        services.approve_request(request=make_request(), actor=approver, comment=" ")

    assert ApprovalRequest.objects.get().status == "pending"
