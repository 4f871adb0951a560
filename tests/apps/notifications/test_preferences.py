"""What comes by e-mail: chosen per group, switched off by a link, and some of it always."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership
from apps.core.mail import MAIL_TOPIC, deliver_mail
from apps.core.models import AuditEvent, OutboxMessage
from apps.notifications import kinds
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.models import Notification, NotificationPreference
from apps.notifications.services import Message, notify
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member

pytestmark = pytest.mark.django_db

PAGE = "/console/notifications/preferences/"
REST = "/api/v1/notifications/preferences"


@pytest.fixture(autouse=True)
def few_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", {})
    register_kinds(
        NotificationKind("billing.paid", title="Paid", is_important=True),
        NotificationKind("billing.failed", title="Failed", is_important=True, is_mandatory=True),
        NotificationKind("safety.alarm", title="Alarm", is_mandatory=True),
        NotificationKind("usage.low", title="Low", is_important=True),
        NotificationKind("quiet.word", title="Quiet"),
    )


@pytest.fixture
def member() -> Membership:
    return make_member("viewer")


def tell(member: Membership, kind: str) -> None:
    message = Message(kind=kind, dedupe_key=kind)
    notify(users=[member.user], organization=member.organization, message=message)


def mails() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(topic=MAIL_TOPIC))


def switch_off(member: Membership, group: str) -> Any:
    return api_client(member).patch(REST, {"groups": {group: False}}, format="json")


def test_switched_off_group_is_told_in_the_portal_only(member: Membership) -> None:
    switch_off(member, "billing")
    tell(member, "billing.paid")
    tell(member, "usage.low")

    assert Notification.objects.count() == 2
    assert [mail.payload["context"]["title"] for mail in mails()] == ["Low"]


def test_mandatory_mail_comes_whatever_was_chosen(member: Membership) -> None:
    switch_off(member, "billing")
    tell(member, "billing.failed")

    (mail,) = mails()
    assert mail.payload["headers"] == {}
    assert mail.payload["context"]["unsubscribe_url"] == ""


def test_groups_are_listed_with_what_cannot_be_switched_off(member: Membership) -> None:
    rows = {row["group"]: row for row in api_client(member).get(REST).data["data"]}

    assert {name: row["can_switch_off"] for name, row in rows.items()} == {
        "billing": True,
        "safety": False,
        "usage": True,
    }
    assert rows["billing"]["has_mandatory"]


@pytest.mark.parametrize("group", ["safety", "quiet", "no-such"])
def test_group_that_cannot_be_switched_is_refused(member: Membership, group: str) -> None:
    answer = switch_off(member, group)

    assert answer.status_code == 422
    assert "groups" in str(answer.data["errors"])
    assert not NotificationPreference.objects.exists()


def test_choice_is_ones_own(member: Membership) -> None:
    colleague = make_member("viewer", member.organization)
    switch_off(colleague, "billing")
    tell(member, "billing.paid")

    assert len(mails()) == 1


def test_page_saves_the_boxes_and_the_trail_keeps_the_change(member: Membership) -> None:
    client = client_for(member)
    assert "Billing" in client.get(PAGE).content.decode()

    client.post(PAGE, {"sent": "1", "usage": "on"})

    chosen = dict(NotificationPreference.objects.values_list("group", "wants_mail"))
    assert chosen == {"billing": False, "usage": True}
    row = AuditEvent.objects.get(action="notifications:preference:changed")
    assert (row.actor_user_id, row.after) == (
        member.user_id, {"group": "billing", "wants_mail": False},
    )  # fmt: skip
    assert 'name="billing"' in client.get(PAGE).content.decode()


def test_link_in_the_mail_switches_off_without_signing_in(
    member: Membership, mailoutbox: list[Any], settings: Any
) -> None:
    tell(member, "usage.low")
    deliver_mail(mails()[0].payload)
    (mail,) = mailoutbox
    url = mail.extra_headers["List-Unsubscribe"].strip("<>")
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in mail.body
    assert url in mail.alternatives[0][0]

    stranger = Client(enforce_csrf_checks=True)
    path = url.removeprefix(settings.PUBLIC_URL)
    assert stranger.get(path).status_code == 200
    assert not NotificationPreference.objects.exists()  # looking changes nothing
    assert stranger.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200

    assert NotificationPreference.objects.get().wants_mail is False


def test_forged_link_leads_nowhere() -> None:
    assert Client().post("/notifications/unsubscribe/forged:token:x/").status_code == 404
