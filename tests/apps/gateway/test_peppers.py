"""A key moves to the newest pepper when it is used, and works all the while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from pytest_django import Settings
from redis import Redis

from apps.core.models import AuditEvent
from apps.gateway import services
from apps.gateway.enums import SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.pepper_notes import read_note, write_notes
from apps.gateway.peppers import finish_moved_keys, move_noted_keys
from apps.gateway.store import names
from apps.gateway.store.registry import Node
from apps.gateway.valkey import get_client
from apps.keys.credential import digest_of
from apps.keys.models import ApiKey
from apps.keys.selectors import find_key_by_secret
from apps.keys.services import IssuedKey, revoke_key, suspend_key
from tests.factories.keys import SYSTEM, make_key

pytestmark = pytest.mark.django_db

NEWEST = "n" * 40
KNOWING = Node(
    name="a",
    epoch="e",
    version=1,
    lease_expires_at=2**53,
    is_leased=True,
    started_at=0,
    state="serving",
    decisions=0,
    peppers=(2, 1),
)


@pytest.fixture(autouse=True)
def store() -> Iterator[Redis]:
    client = get_client()
    client.flushdb()
    yield client
    client.flushdb()


@pytest.fixture
def issued(settings: Settings) -> IssuedKey:
    """A key of the time when there was one pepper."""
    issued = make_key()
    RegistryEntry.objects.update(state=SyncState.PROVEN)
    settings.KEY_PEPPERS = {**settings.KEY_PEPPERS, 2: NEWEST}
    return issued


def tell(store: Redis, settings: Settings, issued: IssuedKey, **changed: Any) -> str:
    """Be an authorizer that has found the key by its older pepper."""
    digest = digest_of(issued.secret, NEWEST.encode())
    secret = changed.get("secret", settings.AUTHORIZER_SECRET)
    notes = write_notes({issued.key.public_id: digest}, pepper_number=2, secret=secret.encode())
    for key_id, note in notes.items():
        store.hset(names.OUTDATED_KEYS, key_id, note)
    return digest


def entries_of(key: ApiKey) -> dict[str, bool]:
    rows = RegistryEntry.objects.filter(subject_id=key.pk)
    return {row.key: row.payload is not None for row in rows}


def test_used_key_takes_the_newest_pepper(
    store: Redis, settings: Settings, issued: IssuedKey
) -> None:
    old, new = issued.key.digest, tell(store, settings, issued)

    assert move_noted_keys(store, [KNOWING], actor=SYSTEM) == {"moved": 1, "finished": 0}

    key = ApiKey.objects.get()
    assert (key.digest, key.pepper_number) == (new, 2)
    assert find_key_by_secret(issued.secret) == key
    assert entries_of(key) == {old: True, new: True}
    assert not store.hlen(names.OUTDATED_KEYS)
    assert AuditEvent.objects.filter(action="keys:key:rehashed", target_id=key.pk).count() == 1

    assert finish_moved_keys() == 0  # the new digest is not proven yet
    RegistryEntry.objects.filter(key=new).update(state=SyncState.PROVEN)
    assert finish_moved_keys() == 1
    assert entries_of(key) == {old: False, new: True}
    assert services.want_every_entry() == 0


@pytest.mark.parametrize("peppers", [(), (1,)])
def test_nothing_moves_while_an_authorizer_does_not_know_the_pepper(
    store: Redis, settings: Settings, issued: IssuedKey, peppers: tuple[int, ...]
) -> None:
    tell(store, settings, issued)
    behind = replace(KNOWING, name="b", peppers=peppers)

    move_noted_keys(store, [KNOWING, behind], actor=SYSTEM)
    move_noted_keys(store, [], actor=SYSTEM)

    assert ApiKey.objects.get().pepper_number == 1
    assert store.hlen(names.OUTDATED_KEYS) == 1


def test_note_of_somebody_else_is_refused(
    store: Redis, settings: Settings, issued: IssuedKey
) -> None:
    tell(store, settings, issued, secret="somebody-elses-secret")
    store.hset(names.OUTDATED_KEYS, "nonsense", "2:x")

    assert move_noted_keys(store, [KNOWING], actor=SYSTEM)["moved"] == 0
    assert ApiKey.objects.get().pepper_number == 1
    assert not store.hlen(names.OUTDATED_KEYS)


def test_note_belongs_to_its_key() -> None:
    note = write_notes({"key_a": "a" * 64}, pepper_number=2, secret=b"s")["key_a"]

    assert read_note("key_a", note, secret=b"s") == (2, "a" * 64)
    assert read_note("key_b", note, secret=b"s") is None
    assert read_note("key_a", note.replace("2:", "3:", 1), secret=b"s") is None


def test_change_between_the_digests_holds_for_both(
    store: Redis, settings: Settings, issued: IssuedKey
) -> None:
    tell(store, settings, issued)
    move_noted_keys(store, [KNOWING], actor=SYSTEM)
    key = ApiKey.objects.get()

    suspend_key(key=key, actor=SYSTEM)
    states = {
        row.payload["state"]
        for row in RegistryEntry.objects.filter(subject_id=key.pk)
        if row.payload
    }
    assert states == {"suspended"}
    revoke_key(key=key, actor=SYSTEM)
    assert set(entries_of(key).values()) == {False}


def test_revoked_key_does_not_move(store: Redis, settings: Settings, issued: IssuedKey) -> None:
    tell(store, settings, issued)
    revoke_key(key=issued.key, actor=SYSTEM)

    assert move_noted_keys(store, [KNOWING], actor=SYSTEM)["moved"] == 0


def test_missing_pepper_is_told_before_anything_starts(
    settings: Settings, issued: IssuedKey
) -> None:
    def found() -> list[str]:
        return [str(message.id) for message in run_checks(databases=["default"])]

    assert "keys.E001" not in found()
    settings.KEY_PEPPERS = {2: NEWEST}
    assert "keys.E001" in found()
    out = StringIO()
    call_command("key_peppers", stdout=out)
    assert out.getvalue() == "2\t0\tconfigured\n1\t1\tMISSING from KEY_PEPPERS\n"
    revoke_key(key=issued.key, actor=SYSTEM)
    assert "keys.E001" not in found()
