"""Inboxes: told once, in the reader's language, mailed when important."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils.translation import gettext_lazy as _
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.core.mail import MAIL_TOPIC, deliver_mail
from apps.core.models import OutboxMessage
from apps.notifications import kinds
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.models import Notification
from apps.notifications.selectors import count_unread
from apps.notifications.services import Message, mark_all_read, notify, notify_members, notify_staff
from tests.factories.accounts import actor_of

pytestmark = pytest.mark.django_db

QUIET = NotificationKind("test.quiet", title=_("Hello %(who)s"))
LOUD = NotificationKind("test.loud", title="100%% of %(what)s", body="Details", is_important=True)


@pytest.fixture(autouse=True)
def test_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", {})
    register_kinds(QUIET, LOUD)


def tell(member: Membership, message: Message) -> list[Notification]:
    return notify(users=[member.user], organization=member.organization, message=message)


def test_notify_tells_each_person_once(make_member: Callable[..., Membership]) -> None:
    member = make_member("owner")
    message = Message(kind="test.quiet", dedupe_key="fact", context={"who": "you"})

    first, second = tell(member, message), tell(member, message)

    assert (len(first), len(second), count_unread(actor_of(member))) == (1, 0, 1)


def test_important_kind_is_mailed_in_the_readers_language(
    make_member: Callable[..., Membership], mailoutbox: list[Any], settings: Any
) -> None:
    member = make_member("owner", language="es")
    tell(
        member, Message(kind="test.loud", dedupe_key="fact", url="/console/", context={"what": "x"})
    )

    queued = OutboxMessage.objects.get(topic=MAIL_TOPIC)
    deliver_mail(queued.payload)

    assert queued.payload["language"] == "es"
    (mail,) = mailoutbox
    assert (mail.subject, mail.to) == ("100% of x", [member.user.email])
    assert f"{settings.PUBLIC_URL}/console/" in mail.body
    assert f'href="{settings.PUBLIC_URL}/console/"' in mail.alternatives[0][0]


def test_quiet_kind_is_not_mailed(make_member: Callable[..., Membership]) -> None:
    tell(
        make_member("owner"), Message(kind="test.quiet", dedupe_key="fact", context={"who": "you"})
    )

    assert not OutboxMessage.objects.exists()


def test_notify_members_reaches_those_who_may_act(make_member: Callable[..., Membership]) -> None:
    owner = make_member("owner")
    developer = make_member("developer", owner.organization)
    make_member("viewer", owner.organization)
    make_member("owner", owner.organization, is_active=False)
    make_member("owner")

    message = Message(kind="test.quiet", dedupe_key="fact", context={"who": "you"})
    told = notify_members(
        organization=owner.organization, permission="apis.manage", message=message
    )

    assert {row.user_id for row in told} == {owner.user_id, developer.user_id}


def test_notify_staff_reaches_the_role_and_superusers(
    make_member: Callable[..., Membership], make_staff: Callable[..., Any]
) -> None:
    organization = make_member("owner").organization
    approver, superuser = make_staff("approver"), make_staff(is_superuser=True)
    make_staff("finance")

    message = Message(kind="test.quiet", dedupe_key="fact", context={"who": "you"})
    told = notify_staff(organization=organization, role="approver", message=message)

    assert {row.user_id for row in told} == {approver.pk, superuser.pk}


def test_unknown_kind_is_refused(make_member: Callable[..., Membership]) -> None:
    with pytest.raises(KeyError):
        tell(make_member("owner"), Message(kind="nobody.knows", dedupe_key="fact"))


def test_rest_inbox_lists_reads_and_counts_only_ones_own(
    make_member: Callable[..., Membership], api_client: Callable[..., APIClient]
) -> None:
    member, other = make_member("viewer"), make_member("owner")
    for who, fact in ((member, "a"), (member, "b"), (other, "c")):
        tell(who, Message(kind="test.quiet", dedupe_key=fact, context={"who": fact}))
    client = api_client(member)

    rows = client.get("/api/v1/notifications").json()["data"]
    foreign = Notification.objects.get(user=other.user).public_id
    read = client.post(f"/api/v1/notifications/{rows[0]['id']}/read/", {})

    assert [row["title"] for row in rows] == ["Hello b", "Hello a"]
    assert read.json()["read_at"] is not None
    assert client.post(f"/api/v1/notifications/{foreign}/read", {}).status_code == 404
    assert client.get("/api/v1/notifications/unread").json() == {"unread": 1}
    assert client.get("/api/v1/notifications?unread=true").json()["data"][0]["title"] == "Hello a"
    assert client.post("/api/v1/notifications/read", {}).json() == {"marked": 1}


def test_mark_all_read_leaves_other_inboxes(make_member: Callable[..., Membership]) -> None:
    member, other = make_member("viewer"), make_member("viewer")
    for who in (member, other):
        tell(who, Message(kind="test.quiet", dedupe_key="fact", context={"who": "you"}))

    mark_all_read(actor=actor_of(member))

    assert (count_unread(actor_of(member)), count_unread(actor_of(other))) == (0, 1)


def test_title_of_a_dropped_kind_is_its_name() -> None:
    assert kinds.find_kind("gone.100%").title_for({}) == "gone.100%"
