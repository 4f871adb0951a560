"""Reports of leaked keys: signed by a published key, done once, answered with a verdict on each text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.keys import services
from apps.keys.credential import generate_key
from apps.keys.enums import KeyStatus, LeakPolicy
from apps.keys.models import ApiKey, KeyLeak
from apps.keys.scan_signatures import ASKED_KEY, CACHE_KEY
from apps.notifications.models import Notification, WebhookEvent
from apps.notifications.services.endpoints import EndpointTerms, create_endpoint
from tests.apps.keys.clocks import told
from tests.apps.keys.scanner import Scanner, running_scanner
from tests.factories.accounts import make_member
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
URL = "/api/v1/secret-scanning/github"
PLACE = "https://github.com/example/shop/blob/main/settings.py"


@pytest.fixture
def scanner(settings: Settings) -> Iterator[Scanner]:
    cache.delete_many([CACHE_KEY, ASKED_KEY])
    with running_scanner() as running:
        settings.SECRET_SCANNING_KEYS_URL = f"{running.url}/keys"
        settings.OUTGOING_TRUSTED_HOSTS = frozenset({running.url.removeprefix("http://")})
        yield running
    cache.delete_many([CACHE_KEY, ASKED_KEY])


def match(token: str, url: str = PLACE) -> dict[str, str]:
    return {"token": token, "type": "tollgate_api_key", "url": url, "source": "content"}


def send(scanner: Scanner, matches: Any, key_id: str = "first", **headers: str) -> Any:
    """Send a report as it comes from outside; headers given replace the signed ones."""
    body = matches if isinstance(matches, bytes) else json.dumps(matches).encode()
    sent = {**scanner.signed(body, key_id), **headers}
    return APIClient().post(URL, body, content_type="application/json", headers=sent)


def leaked_key() -> tuple[Any, Any]:
    owner = make_member("owner")
    return owner, make_key(make_subscription(consumer=owner.organization))


def test_leaked_key_is_revoked_and_its_owner_told(scanner: Scanner) -> None:
    owner, issued = leaked_key()

    answer = send(scanner, [match(issued.secret)])

    issued.key.refresh_from_db()
    assert issued.key.status == KeyStatus.REVOKED
    assert issued.key.status_reason == f"leaked: {PLACE}"
    assert answer.status_code == 200
    assert answer.json() == [
        {
            "token_hash": hashlib.sha256(issued.secret.encode()).hexdigest(),
            "token_type": "tollgate_api_key",
            "label": "true_positive",
        }
    ]
    row = AuditEvent.objects.get(target_id=issued.key.pk, action="keys:key:revoked")
    assert (row.actor_label, row.ip) == ("secret scanning", "127.0.0.1")
    message = told(owner, "keys.leak_revoked")[0]
    assert message.context["url"] == PLACE
    assert issued.secret not in str([mail.body for mail in mail.outbox])


def test_text_that_is_no_key_of_ours_is_a_false_positive(scanner: Scanner) -> None:
    _owner, issued = leaked_key()
    invented = [generate_key("live"), "tgk_live_typo", "é" * 40]

    answer = send(scanner, [*map(match, invented), match(issued.secret)])

    assert [row["label"] for row in answer.json()] == [*["false_positive"] * 3, "true_positive"]
    assert KeyLeak.objects.count() == 1


def test_replay_changes_nothing(scanner: Scanner) -> None:
    owner, issued = leaked_key()
    send(scanner, [match(issued.secret)])

    again = send(scanner, [match(issued.secret), match(issued.secret)])

    assert [row["label"] for row in again.json()] == ["true_positive"] * 2
    assert KeyLeak.objects.count() == 1
    assert AuditEvent.objects.filter(target_id=issued.key.pk).count() == 3
    assert len(told(owner, "keys.leak_revoked")) == 1


def test_organization_that_only_wants_to_be_told_keeps_its_key(scanner: Scanner) -> None:
    owner, issued = leaked_key()
    services.change_leak_policy(
        organization=owner.organization, on_leak=LeakPolicy.NOTIFY, actor=SYSTEM
    )

    send(scanner, [match(issued.secret)])

    issued.key.refresh_from_db()
    assert issued.key.status == KeyStatus.ACTIVE
    assert len(told(owner, "keys.leaked")) == 1
    assert AuditEvent.objects.filter(action="keys:key:leaked").count() == 1


def test_ended_key_is_noted_and_nobody_disturbed(scanner: Scanner) -> None:
    owner, issued = leaked_key()
    services.revoke_key(key=issued.key, actor=SYSTEM)

    answer = send(scanner, [match(issued.secret)])

    assert answer.json()[0]["label"] == "true_positive"
    assert KeyLeak.objects.get().outcome == "ended"
    drain_until_empty()
    assert not Notification.objects.filter(user=owner.user, kind__startswith="keys.leak").exists()


def test_webhook_tells_where(scanner: Scanner) -> None:
    owner, issued = leaked_key()
    terms = EndpointTerms(url="https://hooks.example.com/", event_types=("key.leaked",))
    create_endpoint(organization=owner.organization, terms=terms, actor=SYSTEM)

    send(scanner, [match(issued.secret)])

    event = WebhookEvent.objects.get(type="key.leaked")
    assert (event.data["url"], event.data["outcome"]) == (PLACE, "revoked")
    assert issued.secret not in str(event.data)


def test_signature_of_another_body_is_refused(scanner: Scanner) -> None:
    _owner, issued = leaked_key()
    other = scanner.signed(b"[]")["Github-Public-Key-Signature"]

    answer = send(scanner, [match(issued.secret)], **{"Github-Public-Key-Signature": other})

    assert (answer.status_code, answer.json()["code"]) == (401, "scan_signature_invalid")
    issued.key.refresh_from_db()
    assert issued.key.status == KeyStatus.ACTIVE


@pytest.mark.parametrize("signature", ["!", "AAAA", "x" * 500])
def test_signature_that_is_none_is_refused(signature: str, scanner: Scanner) -> None:
    answer = send(scanner, [], **{"Github-Public-Key-Signature": signature})

    assert (answer.status_code, answer.json()["code"]) == (401, "scan_signature_invalid")


@pytest.mark.parametrize("name", ["Github-Public-Key-Identifier", "Github-Public-Key-Signature"])
@pytest.mark.parametrize("value", ["", "x" * 513])
def test_missing_or_endless_header_is_named(name: str, value: str, scanner: Scanner) -> None:
    answer = send(scanner, [], **{name: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "scan_report_unsigned")
    assert name in str(answer.json())


def test_unknown_key_is_looked_for_once_a_minute(scanner: Scanner) -> None:
    send(scanner, [])
    assert scanner.asked == 1

    for _attempt in range(3):
        refused = send(scanner, [], **{"Github-Public-Key-Identifier": "unknown"})
        assert refused.status_code == 401

    assert scanner.asked == 2


def test_new_key_of_the_sender_is_learned(scanner: Scanner) -> None:
    send(scanner, [])
    scanner.new_key("second")

    assert send(scanner, [], "second").status_code == 200
    assert send(scanner, [], "first").status_code == 200
    assert scanner.asked == 2


def test_sender_without_keys_is_asked_to_try_again(scanner: Scanner) -> None:
    scanner.status = 500

    answer = send(scanner, [])

    assert (answer.status_code, answer.json()["code"]) == (503, "scan_keys_unavailable")
    assert answer.headers["Retry-After"] == "60"


def test_published_nonsense_is_no_key(scanner: Scanner) -> None:
    scanner.published["first"] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"

    assert send(scanner, []).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"{}",
        b'"text"',
        b"[1]",
        b'[{"token": "x"}]',
        b'[{"token": 1, "type": []}]',
        b'[{"token": "' + b"x" * 501 + b'", "type": "t"}]',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps([match("x")] * 1_001).encode(),
    ],
)
def test_signed_nonsense_is_400(body: bytes, scanner: Scanner) -> None:
    answer = send(scanner, body)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_half_good_report_does_nothing(scanner: Scanner) -> None:
    _owner, issued = leaked_key()

    answer = send(scanner, [match(issued.secret), {"token": "x"}])

    assert answer.status_code == 400
    assert not KeyLeak.objects.exists()


def test_huge_report_is_413(scanner: Scanner) -> None:
    answer = send(scanner, b" " * 1_048_577)

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_endpoint_that_is_switched_off_is_not_there(settings: Settings) -> None:
    settings.SECRET_SCANNING_KEYS_URL = ""

    assert APIClient().post(URL, [], format="json").status_code == 404


def test_report_that_was_signed_elsewhere_verifies(scanner: Scanner) -> None:
    """The example of the programme's own documentation."""
    key_id = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
    scanner.published[key_id] = (
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\n"
        "HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n"
        "-----END PUBLIC KEY-----\n"
    )
    body = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
    signature = (
        "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ"
        "+L2y8oQ9A2T9GGJo6WJY="
    )

    answer = send(
        scanner,
        body,
        **{"Github-Public-Key-Identifier": key_id, "Github-Public-Key-Signature": signature},
    )

    assert answer.status_code == 200
    assert answer.json()[0]["label"] == "false_positive"


def test_policy_over_rest(api_client: Connect) -> None:
    admin, developer = make_member("admin"), make_member("developer")
    client = api_client(admin)

    assert client.get("/api/v1/key-policy").data == {"on_leak": "revoke"}
    changed = client.patch("/api/v1/key-policy", {"on_leak": "notify"})
    client.patch("/api/v1/key-policy", {"on_leak": "notify"})

    assert changed.data == {"on_leak": "notify"}
    assert client.patch("/api/v1/key-policy", {"on_leak": "ignore"}).status_code == 400
    assert AuditEvent.objects.filter(action="keys:policy:changed").count() == 1
    refused = api_client(developer).patch("/api/v1/key-policy", {"on_leak": "notify"})
    assert refused.status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_leaks_are_listed_in_one_query_to_their_owner(
    count: int, api_client: Connect, django_assert_num_queries: Any
) -> None:
    owner, issued = leaked_key()
    for number in range(count):
        services.report_leak(
            key=issued.key, url=f"{PLACE}#{number}", source="content", actor=SYSTEM
        )
    client = api_client(owner)

    with django_assert_num_queries(1):
        rows = client.get("/api/v1/key-leaks").data["data"]

    assert [row["outcome"] for row in rows] == [*["ended"] * (count - 1), "revoked"]
    assert api_client(make_member("owner")).get("/api/v1/key-leaks").data["data"] == []


def test_rotating_key_that_leaks_ends_before_its_grace(scanner: Scanner) -> None:
    _owner, issued = leaked_key()
    services.rotate_key(key=issued.key, grace=timedelta(days=1), actor=SYSTEM)

    send(scanner, [match(issued.secret)])

    assert ApiKey.objects.get(pk=issued.key.pk).status == KeyStatus.REVOKED
