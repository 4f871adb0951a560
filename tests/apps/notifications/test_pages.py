"""The inbox page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership
from apps.apis import notices
from apps.notifications.models import Notification
from apps.notifications.services import Message, notify

pytestmark = pytest.mark.django_db

URL = "/console/notifications/"


def tell(member: Membership, name: str, url: str = "/console/") -> Notification:
    message = Message(
        kind=notices.FAILED.name,
        dedupe_key=name,
        url=url,
        context={"name": name, "reason": "<b>why</b>"},
    )
    (row,) = notify(users=[member.user], organization=member.organization, message=message)
    return row


def test_inbox_shows_own_messages_escaped(
    client_for: Callable[..., Client], make_member: Callable[..., Membership]
) -> None:
    member, other = make_member("viewer"), make_member("viewer")
    tell(member, "Mine"), tell(other, "Theirs")

    text = client_for(member).get(URL).content.decode()

    assert "Mine could not be registered" in text
    assert "Theirs" not in text
    assert "&lt;b&gt;why&lt;/b&gt;" in text


@pytest.mark.parametrize("item_count", [1, 3])
def test_inbox_needs_the_same_queries_for_any_length(
    client_for: Callable[..., Client],
    make_member: Callable[..., Membership],
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    member = make_member("viewer")
    for number in range(item_count):
        tell(member, f"Number {number}")
    client = client_for(member)
    client.get(URL)

    with django_assert_num_queries(8):
        client.get(URL)


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [("/console/", "/console/"), ("https://evil.example/", URL), ("//evil.example", URL)],
)
def test_opening_a_message_reads_it_and_stays_on_this_site(
    client_for: Callable[..., Client],
    make_member: Callable[..., Membership],
    url: str,
    leads_to: str,
) -> None:
    member = make_member("viewer")
    row = tell(member, "Mine", url)

    answer = client_for(member).post(f"{URL}{row.public_id}/")

    assert answer["Location"] == leads_to
    row.refresh_from_db()
    assert row.read_at is not None


def test_somebody_elses_message_cannot_be_opened(
    client_for: Callable[..., Client], make_member: Callable[..., Membership]
) -> None:
    row = tell(make_member("viewer"), "Theirs")

    assert client_for(make_member("owner")).post(f"{URL}{row.public_id}/").status_code == 404


def test_read_all_empties_the_badge(
    client_for: Callable[..., Client], make_member: Callable[..., Membership]
) -> None:
    member = make_member("viewer")
    tell(member, "One"), tell(member, "Two")
    client = client_for(member)

    assert "2 are unread." in client.get(URL).content.decode()
    client.post(f"{URL}read/")

    assert "count--attention" not in client.get(URL).content.decode()
