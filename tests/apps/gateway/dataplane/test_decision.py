"""Decisions of a real authorizer, asked as the proxy asks."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.gateway.authorizer.config import Bind
from apps.gateway.entries import RateLimit, Tenant, set_entry
from apps.gateway.environment import SettingError
from apps.gateway.pepper_notes import read_note
from apps.gateway.store import names
from apps.keys.credential import digest_of
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    PEPPERS,
    SECRET,
    AuthorizerProcess,
    Consumer,
    ValkeyServer,
    make_consumer,
    make_route,
    running,
    wait_for,
)


@pytest.fixture
def consumer(registry: Registry, authorizer: AuthorizerProcess) -> Consumer:
    consumer = make_consumer()
    registry.admit(consumer)
    return consumer


def test_allowed_call_names_upstream_and_is_journaled(
    authorizer: AuthorizerProcess, consumer: Consumer, upstream_port: int
) -> None:
    answer = authorizer.ask(consumer, x_tollgate_request_id="request-1")

    assert answer.status_code == 200
    assert answer.headers["x-authz"] == "allow"
    assert answer.headers["x-upstream-dial"] == f"127.0.0.1:{upstream_port}"
    assert answer.headers["x-subscription-id"] == consumer.sub_id
    (line,) = [line for line in authorizer.journal_lines() if line["request_id"] == "request-1"]
    assert line["key_id"] == consumer.key_id
    assert line["path"] == "/today"
    assert abs(line["decided_at"] - time.time() * 1000) < 5_000


def test_call_without_shared_secret_is_refused(
    authorizer: AuthorizerProcess, consumer: Consumer
) -> None:
    for secret in ("-", "wrong"):
        answer = authorizer.ask(consumer, x_tollgate_secret=secret)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_caller")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x_api_key": "-"}, "credential_missing"),
        ({"authorization": "Bearer tgk_live_x"}, "credential_ambiguous"),
        ({"x_subscription_key": "tgk_live_x"}, "credential_ambiguous"),
        ({"x_api_key": "tgk_live_" + "a" * 32 + "_000000"}, "credential_invalid"),
        # A value that is not text is no value.
        ({"x_api_key": "caf\u00e9"}, "credential_missing"),
        ({"x_api_key": "x" * 9000}, "credential_invalid"),
        ({"x_tollgate_slug": "nothing"}, "api_not_found"),
        ({"x_tollgate_slug": "-"}, "api_not_found"),
    ],
)
def test_refused_before_any_store(
    authorizer: AuthorizerProcess, consumer: Consumer, headers: dict[str, str], code: str
) -> None:
    answer = authorizer.ask(consumer, **headers)

    assert answer.json()["code"] == code
    assert answer.headers["x-tollgate-error"] == "true"
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


@pytest.mark.parametrize("header", ["x-api-key", "x-subscription-key", "authorization"])
def test_each_credential_header_works_once_only(
    authorizer: AuthorizerProcess, consumer: Consumer, header: str
) -> None:
    value = f"Bearer {consumer.key}" if header == "authorization" else consumer.key
    once = authorizer.ask(consumer, **{"x_api_key": "-", header: value})
    headers = [*once.request.headers.multi_items(), (header, value)]
    twice = authorizer.client.get("/authz/caddy", headers=headers)

    assert once.status_code == 200
    assert twice.json()["code"] == "credential_ambiguous"


def test_unknown_malformed_and_revoked_keys_get_the_same_answer(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    revoked, unknown = make_consumer(key_fields={"state": "revoked"}), make_consumer()
    registry.admit(revoked)

    answers = [
        authorizer.ask(revoked),
        authorizer.ask(unknown),
        authorizer.ask(unknown, x_api_key="nonsense"),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


def test_key_hashed_with_older_pepper_still_works(
    authorizer: AuthorizerProcess, registry: Registry, valkey: ValkeyServer
) -> None:
    consumer = make_consumer()
    registry.apply(
        set_entry(digest_of(consumer.key, PEPPERS[0]), consumer.key_entry),
        set_entry(consumer.sub_id, consumer.subscription),
    )
    registry.wait_for_proof()

    assert authorizer.ask(consumer).status_code == 200
    # The next report tells its digest under the newest pepper, signed.
    told = wait_for(
        lambda: valkey.client.hget(names.OUTDATED_KEYS, consumer.key_id), what="the note"
    )
    note = read_note(consumer.key_id, told.decode(), secret=SECRET.encode())
    assert note == (2, consumer.digest)


PAST = 1_000


@pytest.mark.parametrize(
    ("key_fields", "fields", "code"),
    [
        ({"state": "suspended"}, {}, "key_suspended"),
        ({"state": "pending"}, {}, "credential_invalid"),
        ({"expires_at": PAST}, {}, "credential_expired"),
        ({"state": "rotating"}, {}, None),
        ({}, {"state": "paused"}, "subscription_inactive"),
        ({}, {"state": "cancelled"}, "subscription_inactive"),
        ({}, {"valid_until": PAST}, "subscription_inactive"),
        ({}, {"state": "past_due"}, None),
        ({"org_id": "org_other"}, {}, "tenant_mismatch"),
        ({"workspace_id": "ws_other"}, {}, "tenant_mismatch"),
        ({}, {"api_id": "api_other"}, "subscription_not_for_api"),
        ({"environment": "test"}, {}, "test_key_refused"),
        ({"environment": "test"}, {"sandbox": True}, None),
        ({"ip_allow": ("198.51.100.0/24",)}, {}, "ip_not_allowed"),
        ({"ip_allow": ("203.0.113.0/24", "2001:db8::/32")}, {}, None),
    ],
)
def test_state_and_claims_decide(
    authorizer: AuthorizerProcess,
    registry: Registry,
    *,
    key_fields: dict[str, Any],
    fields: dict[str, Any],
    code: str | None,
) -> None:
    consumer = make_consumer(quota=10, key_fields=key_fields, **fields)
    registry.admit(consumer)

    answer = authorizer.ask(consumer)

    assert (answer.json()["code"] if answer.content else None) == code
    assert registry.used(consumer) == (1 if code is None else 0)


@pytest.mark.parametrize("header", ["x_http_method_override", "x_http_method", "x_method_override"])
def test_reading_key_asks_for_no_other_method_by_a_header(
    authorizer: AuthorizerProcess, registry: Registry, header: str
) -> None:
    reader, writer = make_consumer(key_fields={"scopes": ("read",)}), make_consumer()
    registry.admit(reader, writer)

    refused = authorizer.ask(reader, **{header: "DELETE"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_insufficient")
    assert authorizer.ask(reader, **{header: "get"}).status_code == 200
    assert authorizer.ask(writer, **{header: "DELETE"}).status_code == 200


def test_key_calls_its_own_endpoints_only(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    endpoints = (("GET", "/days/{day}"), ("POST", "/days"))
    consumer = make_consumer(quota=10, key_fields={"endpoints": endpoints})
    registry.admit(consumer)

    def ask(method: str, path: str, target: str) -> tuple[int, str | None]:
        answer = authorizer.ask(
            consumer,
            x_tollgate_method=method,
            x_tollgate_path=path,
            x_tollgate_target=target,
        )
        return answer.status_code, answer.json()["code"] if answer.content else None

    assert ask("GET", "/days/today", "/days/today?a=%2F") == (200, None)
    assert ask("POST", "/days", "/days") == (200, None)
    assert ask("GET", "/days", "/days") == (403, "endpoint_not_allowed")
    assert ask("DELETE", "/days/today", "/days/today") == (403, "endpoint_not_allowed")
    assert ask("GET", "/days/a/b", "/days/a%2fb") == (403, "endpoint_not_allowed")
    assert ask("GET", "/days/today", "-") == (403, "endpoint_not_allowed")
    assert registry.used(consumer) == 2


def test_key_without_endpoints_left_calls_nothing(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(key_fields={"endpoints": ()})
    registry.admit(consumer)

    assert authorizer.ask(consumer).json()["code"] == "endpoint_not_allowed"


def test_endpoints_that_the_provider_keeps_for_admin_keys(
    authorizer: AuthorizerProcess, registry: Registry, upstream_port: int
) -> None:
    """The provider names what is open to others; a spelling of the rest that we do not know is not open."""
    route = make_route("kept", upstream_port, open_endpoints=(("GET", "/today"),))
    writer = make_consumer("kept", key_fields={"scopes": ("read", "write")})
    admin = make_consumer("kept", key_fields={"scopes": ("admin",)})
    registry.apply(route)
    registry.admit(writer, admin)

    def ask(consumer: Consumer, method: str, path: str) -> int:
        return authorizer.ask(
            consumer, x_tollgate_method=method, x_tollgate_path=path, x_tollgate_target=path
        ).status_code

    assert (ask(writer, "GET", "/today"), ask(admin, "GET", "/today")) == (200, 200)
    assert (ask(writer, "DELETE", "/users/7"), ask(admin, "DELETE", "/users/7")) == (403, 200)
    assert (ask(writer, "GET", "/TODAY"), ask(writer, "GET", "/today/")) == (403, 403)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": "trialing", "valid_until": PAST}, "trial_over"),
        ({"state": "past_due", "valid_until": PAST}, "past_due"),
        ({"state": "active", "valid_until": PAST}, "cancelled"),
        ({"state": "paused"}, "paused"),
        ({"state": "paused", "valid_until": PAST}, "paused"),
        ({"state": "suspended"}, "suspended"),
        ({"state": "cancelled"}, "cancelled"),
        ({"state": "expired"}, "expired"),
        ({"state": "pending_approval"}, "pending_approval"),
        ({"state": "of a later release"}, "inactive"),
    ],
)
def test_inactive_subscription_says_why(
    authorizer: AuthorizerProcess, registry: Registry, fields: dict[str, Any], reason: str
) -> None:
    consumer = make_consumer(**fields)
    registry.admit(consumer)

    answer = authorizer.ask(consumer)

    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert (answer.json()["code"], answer.json()["reason"]) == ("subscription_inactive", reason)


def test_steps_decide_in_their_order(
    authorizer: AuthorizerProcess, registry: Registry, upstream_port: int
) -> None:
    """Everything is wrong with a call; each repair shows the next step, and only the last one counts."""
    registry.apply(
        make_route("strict-api", upstream_port, methods=("POST",), required_headers=("x-region",))
    )
    broken = make_consumer(
        "other",
        quota=1,
        key_fields={
            "state": "suspended",
            "org_id": "org_other",
            "environment": "test",
            "ip_allow": ("198.51.100.0/24",),
            "scopes": (),
        },
        state="paused",
    )
    org_id, workspace_id = broken.org_id, broken.subscription.workspace_id
    tenant, key, sub = Tenant(state="suspended"), broken.key_entry, broken.subscription
    registry.admit(broken)
    registry.apply(set_entry(org_id, tenant))
    repairs: list[tuple[str, str, dict[str, Any]]] = [
        ("api_not_found", "ask", {"x_tollgate_slug": "strict-api"}),
        ("credential_missing", "ask", {"x_api_key": broken.key}),
        ("key_suspended", "key", {"state": "active"}),
        ("subscription_inactive", "sub", {"state": "active"}),
        ("tenant_suspended", "tenant", {"state": "active"}),
        ("tenant_mismatch", "key", {"org_id": org_id, "workspace_id": workspace_id}),
        ("subscription_not_for_api", "sub", {"api_id": "api_strict-api"}),
        ("test_key_refused", "key", {"environment": "live"}),
        ("ip_not_allowed", "key", {"ip_allow": ()}),
        ("scope_insufficient", "key", {"scopes": ("read", "write")}),
        ("method_not_allowed", "ask", {"x_tollgate_method": "POST"}),
        ("required_header_missing", "ask", {"x_region": "eu"}),
    ]
    ask = {"x_api_key": "-", "x_tollgate_slug": "nothing"}
    for code, where, repair in repairs:
        assert authorizer.ask(broken, **ask).json()["code"] == code
        if where == "ask":
            ask.update(repair)
        elif where == "key":
            key = msgspec.structs.replace(key, **repair)
        elif where == "sub":
            sub = msgspec.structs.replace(sub, **repair)
        else:
            tenant = msgspec.structs.replace(tenant, **repair)
        registry.apply(
            set_entry(broken.digest, key), set_entry(broken.sub_id, sub), set_entry(org_id, tenant)
        )
        registry.wait_for_proof()

    assert registry.used(broken) == 0
    assert [authorizer.ask(broken, **ask).status_code for _ in range(2)] == [200, 429]


def test_read_scope_allows_reading_only(authorizer: AuthorizerProcess, registry: Registry) -> None:
    consumer = make_consumer(key_fields={"scopes": ("read",)})
    registry.admit(consumer)

    assert authorizer.ask(consumer).status_code == 200
    refused = authorizer.ask(consumer, x_tollgate_method="POST")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_insufficient")


def test_suspended_tenant_is_refused(authorizer: AuthorizerProcess, registry: Registry) -> None:
    consumer = make_consumer()
    registry.admit(consumer)
    registry.apply(set_entry(consumer.org_id, Tenant(state="suspended")))
    registry.wait_for_proof()

    assert authorizer.ask(consumer).json()["code"] == "tenant_suspended"


def test_sandbox_clock_expires_key_in_business_time(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    in_an_hour = int(time.time() * 1000) + 3_600_000
    consumer = make_consumer(key_fields={"expires_at": in_an_hour}, clock_offset_ms=2 * 3_600_000)
    registry.admit(consumer)

    assert authorizer.ask(consumer).json()["code"] == "credential_expired"


def test_journal_keeps_the_offset_of_a_sandbox_clock(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    ahead = make_consumer(clock_offset_ms=7_200_000, sandbox=True)
    level = make_consumer(sandbox=True)
    live = make_consumer()
    registry.admit(ahead, level, live)
    for consumer in (ahead, level, live):
        assert authorizer.ask(consumer).status_code == 200

    offsets = {line["key_id"]: line.get("clock_offset_ms") for line in authorizer.journal_lines()}
    assert offsets[ahead.key_id] == 7_200_000
    assert offsets[level.key_id] == 0
    assert offsets[live.key_id] is None


def test_preflight_needs_policy_and_no_key(
    authorizer: AuthorizerProcess, registry: Registry, upstream_port: int
) -> None:
    registry.apply(make_route("open", upstream_port, cors_origins=("https://app.example",)))
    registry.wait_for_proof()
    preflight = {
        "x_tollgate_method": "OPTIONS",
        "access_control_request_method": "POST",
        "origin": "https://app.example",
    }

    allowed = authorizer.ask(None, x_tollgate_slug="open", **preflight)
    other = authorizer.ask(
        None, x_tollgate_slug="open", **(preflight | {"origin": "https://evil.example"})
    )
    without_policy = authorizer.ask(None, **preflight)

    assert (allowed.status_code, "x-authz" in allowed.headers) == (204, False)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in other.headers
    assert without_policy.json()["code"] == "credential_missing"


def test_limit_headers_agree(authorizer: AuthorizerProcess, registry: Registry) -> None:
    limits = (RateLimit("minute", 2, 60), RateLimit("hour", 100, 3600))
    consumer = make_consumer(limits=limits, quota=50)
    registry.admit(consumer)

    first = authorizer.ask(consumer)
    authorizer.ask(consumer)
    refused = authorizer.ask(consumer)

    assert first.headers["ratelimit-policy"] == '"minute";q=2;w=60, "hour";q=100;w=3600'
    assert first.headers["ratelimit"].startswith('"minute";r=1;t=')
    assert first.headers["x-ratelimit-remaining"] == "1"
    assert first.headers["x-quota-remaining"] == "49"
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limit_exceeded")
    assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset"]
    assert refused.headers["ratelimit"] == f'"minute";r=0;t={refused.headers["retry-after"]}'


def test_health_and_metrics_tell_state(authorizer: AuthorizerProcess, registry: Registry) -> None:
    health = authorizer.wait_until("serving")
    metrics = authorizer.client.get("/metrics").text

    assert (health["epoch"], health["version"]) == (registry.epoch, registry.version)
    assert 'tollgate_gateway_decisions_total{code="allowed"}' in metrics
    (node,) = registry.writer.nodes()
    assert (node.name, node.is_leased, node.version) == ("node-1", True, registry.version)


def test_unix_socket_is_private_to_its_group(folder: Path, valkey: ValkeyServer) -> None:
    socket = folder / "authorizer.sock"
    process = AuthorizerProcess(
        folder, valkey.url, node="by-socket", AUTHORIZER_BIND=f"unix:{socket}"
    )
    with running(process):
        process.wait_until("serving")
        assert stat.S_IMODE(socket.stat().st_mode) == 0o660
        # A killed process leaves its socket behind; the next one starts all the same.
        process.kill()
        process.start()
        process.wait_until("serving")


@pytest.mark.parametrize("bind", ["0.0.0.0:8090", "192.0.2.1:8090", "localhost:8090", "8090"])
def test_authorizer_refuses_to_listen_where_others_reach_it(bind: str) -> None:
    with pytest.raises(SettingError, match="AUTHORIZER_BIND"):
        Bind.parse(bind)


def test_call_without_a_required_header_is_refused_by_name_and_costs_nothing(
    registry: Registry, authorizer: AuthorizerProcess, upstream_port: int
) -> None:
    consumer = make_consumer("strict", limits=(RateLimit(name="plan-minute", max=1, window_s=60),))
    required = ("x-region", "x-tenant")
    registry.apply(make_route("strict", upstream_port, required_headers=required))
    registry.admit(consumer)

    for headers, missing in (
        ({}, "x-region"),
        ({"x_region": "eu"}, "x-tenant"),
        ({"x_region": "", "x_tenant": "7"}, "x-region"),
    ):
        refused = authorizer.ask(consumer, **headers)
        body = refused.json()
        assert (refused.status_code, body["code"]) == (400, "required_header_missing")
        assert body["header"] == missing
        assert missing in body["title"]
    passed = authorizer.ask(consumer, x_region="eu", x_tenant="7")

    assert passed.headers["x-authz"] == "allow"


def test_method_is_looked_at_before_required_headers(
    registry: Registry, authorizer: AuthorizerProcess, upstream_port: int
) -> None:
    consumer = make_consumer("writes-only")
    registry.apply(
        make_route("writes-only", upstream_port, methods=("POST",), required_headers=("x-region",))
    )
    registry.admit(consumer)

    assert authorizer.ask(consumer).json()["code"] == "method_not_allowed"
