"""The organization's security page: what is done with leaked keys, what was found, what looked unusual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Membership
from apps.keys import services
from apps.keys.enums import AlertKind, LeakPolicy
from apps.keys.models import KeyAlert
from apps.keys.selectors import leak_policy_of
from tests.factories.accounts import make_member
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]
PLACE = "https://github.com/example/shop/blob/main/settings.py"


def page() -> str:
    return reverse("portal:security")


def test_owner_chooses_what_is_done_with_leaked_keys(client_for: Connect) -> None:
    owner = make_member("owner")
    client = client_for(owner)

    answer = client.post(page(), {"on_leak": "notify"}, follow=True)

    assert leak_policy_of(owner.organization_id) == LeakPolicy.NOTIFY
    assert "Saved." in answer.content.decode()
    client.post(page(), {"on_leak": "nothing"})
    assert leak_policy_of(owner.organization_id) == LeakPolicy.NOTIFY


def test_developer_reads_but_does_not_choose(client_for: Connect) -> None:
    developer = make_member("developer")
    client = client_for(developer)

    client.post(page(), {"on_leak": "notify"})
    shown = client.get(page()).content.decode()

    assert leak_policy_of(developer.organization_id) == LeakPolicy.REVOKE
    assert "They are revoked at once" in shown
    assert 'name="on_leak"' not in shown


def test_page_shows_own_leaks_and_alerts_only(client_for: Connect) -> None:
    owner, other = make_member("owner"), make_member("owner")
    key = make_key(make_subscription(consumer=owner.organization), name="Web shop").key
    services.report_leak(key=key, url=PLACE, source="content", actor=SYSTEM)
    KeyAlert.objects.create(
        organization=owner.organization, kind=AlertKind.CREATED, count=11, threshold=10
    )

    shown = client_for(owner).get(page()).content.decode()
    foreign = client_for(other).get(page()).content.decode()

    assert all(text in shown for text in ("Web shop", PLACE, "Keys made within 24 hours"))
    assert "Web shop" not in foreign
    assert "None of your keys was found in public." in foreign


def count_queries(client: Client) -> int:
    """Return how often a page asks keys' tables; the frame around it is counted in its own tests."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page()).status_code == 200
    return sum('FROM "keys_' in query["sql"] for query in queries)


def test_page_takes_as_many_queries_for_one_leak_as_for_three(client_for: Connect) -> None:
    owner = make_member("owner")
    subscription = make_subscription(consumer=owner.organization)
    client: Any = client_for(owner)
    services.report_leak(key=make_key(subscription).key, url="", source="content", actor=SYSTEM)
    client.get(page())
    one = count_queries(client)

    for _number in range(2):
        key = make_key(subscription).key
        services.report_leak(key=key, url="", source="content", actor=SYSTEM)

    assert count_queries(client) == one
    assert one == 3
