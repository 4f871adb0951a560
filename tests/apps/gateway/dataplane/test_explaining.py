"""An explanation is the decision that a call would get, and leaves no trace."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apps.gateway.entries import RateLimit, Tenant, set_entry
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import AuthorizerProcess, make_consumer, make_route

PAST = 1_000


def outcomes(explanation: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["code"] or step["outcome"] for step in explanation["steps"]}


def test_allowed_call_is_explained_by_text_digest_and_id_and_takes_nothing(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=5, limits=(RateLimit("minute", 3, 60),))
    registry.admit(consumer, used=2)
    lines = len(authorizer.journal_lines())

    for named in (
        {"key": consumer.key},
        {"digest": consumer.digest},
        {"key_id": consumer.key_id},
    ):
        explanation = authorizer.explain(
            **named, target="/weather/today?x=1", address="203.0.113.7"
        )
        assert (explanation["decision"], explanation["status"]) == ("allowed", 200)
        assert explanation["key_id"] == consumer.key_id
        assert explanation["subscription_id"] == consumer.sub_id
        assert (explanation["epoch"], explanation["version"]) == (registry.epoch, registry.version)
        assert set(outcomes(explanation).values()) == {"passed"}
        details = explanation["steps"][-1]["details"]
        assert (details["x-quota-remaining"], details["x-ratelimit-remaining"]) == ("3", "3")

    assert registry.used(consumer) == 2
    assert len(authorizer.journal_lines()) == lines
    assert authorizer.ask(consumer).headers["x-ratelimit-remaining"] == "2"


@pytest.mark.parametrize(
    ("key_fields", "fields", "ask"),
    [
        ({"state": "suspended"}, {}, {}),
        ({"expires_at": PAST}, {}, {}),
        ({}, {"state": "paused"}, {}),
        ({}, {"state": "trialing", "valid_until": PAST}, {}),
        ({"org_id": "org_other"}, {}, {}),
        ({}, {"api_id": "api_other"}, {}),
        ({"environment": "test"}, {}, {}),
        ({"ip_allow": ("198.51.100.0/24",)}, {}, {}),
        ({"ip_allow": ("203.0.113.0/24",)}, {}, {}),
        ({"scopes": ("read",)}, {}, {"x_tollgate_method": "POST"}),
        ({}, {"quota": 0}, {}),
        ({}, {"quota": 0, "hard": False}, {}),
        ({}, {"limits": (RateLimit("minute", 0, 60),)}, {}),
        ({}, {}, {"x_tollgate_slug": "nothing"}),
        ({}, {}, {"x_tollgate_slug": "bounded"}),
        ({}, {}, {"x_tollgate_slug": "stopped"}),
        ({}, {}, {"x_tollgate_slug": "demanding"}),
        ({}, {}, {"x_tollgate_slug": "demanding", "x_region": "eu"}),
    ],
)
def test_explanation_is_the_decision_that_the_next_call_gets(
    authorizer: AuthorizerProcess,
    registry: Registry,
    upstream_port: int,
    *,
    key_fields: dict[str, Any],
    fields: dict[str, Any],
    ask: dict[str, str],
) -> None:
    slug = ask.get("x_tollgate_slug", "weather")
    consumer = make_consumer(slug, key_fields=key_fields, **fields)
    registry.apply(
        make_route("bounded", upstream_port, limits=(RateLimit("minute", 0, 60),)),
        make_route("stopped", upstream_port, state="suspended"),
        make_route("demanding", upstream_port, required_headers=("x-region",)),
    )
    registry.admit(consumer)

    explanation = authorizer.explain(
        key=consumer.key,
        target=f"/{slug}/today",
        method=ask.get("x_tollgate_method", "GET"),
        address="203.0.113.7",
        headers="X-Region" if "x_region" in ask else "",
    )
    answer = authorizer.ask(consumer, **ask)

    decision = answer.json()["code"] if answer.content else "allowed"
    assert (explanation["decision"], explanation["status"]) == (decision, answer.status_code)
    failed = [step["code"] for step in explanation["steps"] if step["outcome"] == "failed"]
    assert failed[:1] == ([] if decision == "allowed" else [decision])


def test_everything_that_is_wrong_shows_at_once(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=0, state="paused", key_fields={"state": "suspended"})
    registry.admit(consumer)
    registry.apply(set_entry(consumer.org_id, Tenant(state="suspended")))
    registry.wait_for_proof()

    explanation = authorizer.explain(key_id=consumer.key_id, target="/weather", method="delete")

    assert explanation["decision"] == "key_suspended"
    assert outcomes(explanation) == {
        "registry": "passed",
        "path": "passed",
        "api": "passed",
        "credential": "passed",
        "key": "key_suspended",
        "subscription": "subscription_inactive",
        "claims": "passed",
        "use": "passed",
        "upstream": "passed",
        "journal": "passed",
        "api limit": "passed",
        "limits": "quota_exceeded",
    }
    (step,) = [step for step in explanation["steps"] if step["step"] == "subscription"]
    assert step["details"] == {"reason": "paused"}


@pytest.mark.parametrize(
    ("question", "decision"),
    [
        ({}, "api_not_found"),
        ({"target": "/weather"}, "credential_missing"),
        ({"target": "/weather", "key": "nonsense"}, "credential_invalid"),
        ({"target": "/weather", "key_id": "key_nobody"}, "credential_invalid"),
        ({"target": "/weather", "digest": "00"}, "credential_invalid"),
        ({"target": "/weather/../x", "key_id": "key_nobody"}, "invalid_path"),
    ],
)
def test_question_about_nothing_is_answered_all_the_same(
    authorizer: AuthorizerProcess, question: dict[str, str], decision: str
) -> None:
    explanation = authorizer.explain(**question)

    assert explanation["decision"] == decision
    assert (explanation["key_id"], len(explanation["steps"])) == (None, 12)
    assert outcomes(explanation)["limits"] == "skipped"


def test_only_who_knows_the_secret_may_ask_and_no_key_is_logged(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer()
    registry.admit(consumer)

    refused = authorizer.client.get("/explain", headers={"x-explain-key": consumer.key})
    authorizer.explain(key=consumer.key, target="/weather")

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_caller")
    assert consumer.key not in authorizer.log.read_text()


def test_metrics_tell_how_fast_the_counters_answer(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=100)
    registry.admit(consumer)

    def count() -> int:
        found = re.search(
            r"tollgate_gateway_store_seconds_count (\d+)", authorizer.client.get("/metrics").text
        )
        return int(found[1]) if found else 0

    before = count()
    for _ in range(7):
        authorizer.ask(consumer)
    text = authorizer.client.get("/metrics").text

    assert count() == before + 7
    assert f'tollgate_gateway_store_seconds_bucket{{le="+Inf"}} {before + 7}' in text
