"""A key's page: when it is replaced and ends, changing that, and reading a key that a job made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.keys.models import ApiKey, KeyRotation
from apps.keys.selectors import find_key_by_secret
from tests.apps.keys.clocks import DAY, MINUTE, advance, sandbox, sandbox_key
from tests.factories.accounts import make_member
from tests.factories.keys import make_key

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]


def text_of(response: Any) -> str:
    """Return what the page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def url(name: str, key: ApiKey) -> str:
    return reverse(f"portal:{name}", args=[key.public_id])


def test_page_counts_down_by_the_accounts_clock(client_for: Connect) -> None:
    owner, key = sandbox_key(days=50, rotation_days=30)
    advance(key, 20 * DAY - 2 * MINUTE)

    shown = text_of(client_for(owner).get(url("key", key)))

    assert "every 30 days" in shown
    assert "in 10 days" in shown
    assert "in 30 days" in shown


def test_key_that_ends_before_its_rotation_shows_its_end_only(client_for: Connect) -> None:
    owner, key = sandbox_key(days=10, rotation_days=30)

    shown = text_of(client_for(owner).get(url("key", key)))

    assert "Next rotation" not in shown
    assert "Valid until" in shown


def test_owner_changes_rotation_and_renewal(client_for: Connect) -> None:
    owner, key = sandbox_key(days=30)

    answer = client_for(owner).post(
        url("key_life", key), {"rotation_days": "14", "auto_renew": "on"}
    )

    assert answer.url == url("key", key)  # type: ignore[attr-defined]  # a redirect
    key.refresh_from_db()
    assert (key.rotation_days, key.auto_renew) == (14, True)
    client_for(owner).post(url("key_life", key), {"rotation_days": ""})
    key.refresh_from_db()
    assert (key.rotation_days, key.auto_renew) == (None, False)


def test_refusal_is_shown_beside_its_field(client_for: Connect) -> None:
    owner, subscription = sandbox(key_rotation_days=30, key_rotation_optional=False)
    key = make_key(subscription).key
    client = client_for(owner)

    longer = client.post(url("key_life", key), {"rotation_days": "31"})
    endless = client.post(url("key_life", key), {"auto_renew": "on"})

    assert 'id="id_rotation_days_error"' in longer.content.decode()
    assert "at least every 30 days" in text_of(longer)
    assert 'id="id_auto_renew_error"' in endless.content.decode()
    key.refresh_from_db()
    assert (key.rotation_days, key.auto_renew) == (None, False)


def test_new_key_form_takes_its_life(client_for: Connect) -> None:
    owner, subscription = sandbox()
    page = reverse("portal:key_create", args=[subscription.public_id])
    form = {"name": "Server", "scopes": ["read"], "rotation_days": "0"}

    shown = text_of(client_for(owner).get(page))
    client_for(owner).post(page, form)

    assert "Empty: every 90 days, as the plan says. 0: never." in shown
    key = ApiKey.objects.get()
    assert (key.rotation_days, key.rotates_at) == (0, None)


def test_new_key_of_the_job_is_read_once_on_its_page(client_for: Connect) -> None:
    owner, key = sandbox_key(rotation_days=30)
    advance(key, 30 * DAY + MINUTE)
    new = KeyRotation.objects.get().new_key
    client = client_for(owner)
    assert "Nobody has read this key yet" in text_of(client.get(url("key", new)))
    assert "not read yet" in text_of(client.get(reverse("portal:keys")))
    assert "It is shown once" in text_of(client.get(url("key_reveal", new)))
    assert "Nobody has read this key yet" in text_of(client.get(url("key", new)))

    shown = client.post(url("key_reveal", new))

    found = re.search(r"tgk_test_\w+", shown.content.decode())
    assert found is not None
    assert find_key_by_secret(found[0]) == new
    assert "no-store" in shown.headers["Cache-Control"]
    assert "Nobody has read this key yet" not in text_of(client.get(url("key", new)))
    assert "not read yet" not in text_of(client.get(reverse("portal:keys")))
    again = client.post(url("key_reveal", new), follow=True)
    assert found[0] not in again.content.decode()
    assert "It was read before" in text_of(again)


def test_viewer_neither_reads_nor_changes(client_for: Connect) -> None:
    owner, key = sandbox_key(rotation_days=30)
    advance(key, 30 * DAY + MINUTE)
    new = KeyRotation.objects.get().new_key
    viewer = client_for(make_member("viewer", owner.organization))

    assert viewer.post(url("key_reveal", new)).status_code == 403
    assert viewer.post(url("key_life", new), {"rotation_days": "1"}).status_code == 403
    assert "Read the new key" not in text_of(viewer.get(url("key", new)))


def test_foreign_key_is_not_found(client_for: Connect) -> None:
    _owner, key = sandbox_key()
    stranger = client_for(make_member("owner"))

    assert stranger.post(url("key_reveal", key)).status_code == 404
    assert stranger.get(url("key_life", key)).status_code == 404
