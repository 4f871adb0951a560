"""nginx, Envoy and Traefik ask the same authorizer, each in its own way, and get the same decisions."""

from __future__ import annotations

import socket
import uuid
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.gateway.authorizer.replies import CONTRACT
from apps.gateway.entries import RateLimit
from apps.gateway.paths import UNREADABLE, Target, UnsafePathError, read_target
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    SECRET,
    AuthorizerProcess,
    Consumer,
    make_consumer,
    make_route,
)

PROFILES = ("nginx", "envoy", "traefik")
CLIENT = "203.0.113.7"


def ask(
    authorizer: AuthorizerProcess,
    profile: str,
    consumer: Consumer | None,
    uri: str = "/weather/today",
    method: str = "GET",
    *extra: tuple[str, str],
) -> httpx.Response:
    """Ask as the proxy of a profile asks."""
    headers = [("x-tollgate-secret", SECRET), *extra]
    if consumer is not None:
        headers.append(("x-api-key", consumer.key))
    asked = {
        "nginx": [
            ("x-tollgate-request-id", uuid.uuid4().hex),
            ("x-tollgate-client-ip", CLIENT),
            ("x-original-method", method),
            ("x-original-uri", uri),
        ],
        "traefik": [
            ("x-forwarded-method", method),
            ("x-forwarded-uri", uri),
            ("x-forwarded-for", f"198.51.100.1, {CLIENT}"),
        ],
        "envoy": [("x-forwarded-for", f"198.51.100.1, {CLIENT}"), ("content-length", "0")],
    }[profile]
    if profile == "envoy":
        # As it is: a client would clean the path.
        target = {"target": b"/authz/envoy" + uri.encode()}
        return authorizer.client.request(
            method, "/authz/envoy", headers=[*headers, *asked], extensions=target
        )
    return authorizer.client.get(f"/authz/{profile}", headers=[*headers, *asked])


def told(profile: str, answer: httpx.Response) -> tuple[int, str]:
    """Return status and code that the client would get."""
    if profile != "nginx":
        return answer.status_code, answer.json()["code"]
    assert answer.status_code in {401, 403}
    assert (answer.status_code == 401) == (answer.headers["x-auth-status"] == "401")
    assert answer.headers["x-auth-body"] == answer.text
    return int(answer.headers["x-auth-status"]), answer.headers["x-auth-code"]


@pytest.fixture(scope="module")
def consumer(registry: Registry, authorizer: AuthorizerProcess) -> Consumer:
    consumer = make_consumer()
    registry.admit(consumer)
    return consumer


@pytest.mark.parametrize("profile", PROFILES)
def test_allowed_call_says_everything_and_is_journaled(
    authorizer: AuthorizerProcess, registry: Registry, upstream_port: int, profile: str
) -> None:
    secret = (("X-Provider", "s3cret"),)
    registry.apply(make_route("based", upstream_port, base_path="/v1", upstream_headers=secret))
    consumer = make_consumer("based", limits=(RateLimit("minute", 5, 60),), quota=9)
    registry.admit(consumer)

    answer = ask(authorizer, profile, consumer, "//based/%61/b?c=d", "POST")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-authz"] == "allow"
    assert answer.headers["x-upstream"] == f"http://{LOOPBACK}:{upstream_port}/v1"
    assert answer.headers["x-upstream-dial"] == f"{LOOPBACK}:{upstream_port}"
    assert answer.headers["x-upstream-name-1"] == "X-Provider"
    assert answer.headers["x-upstream-value-2"] == ""
    assert answer.headers["x-consumer-id"] == consumer.org_id
    assert answer.headers["x-subscription-id"] == consumer.sub_id
    assert answer.headers["x-credential-id"] == consumer.key_id
    assert answer.headers["x-plan"] == "pln_1"
    assert answer.headers["x-ratelimit-remaining"] == "4"
    assert answer.headers["x-quota-remaining"] == "8"
    assert answer.headers["x-auth-status"] == "200"
    assert registry.used(consumer) == 1
    request_id = answer.headers["x-request-id"]
    (line,) = [line for line in authorizer.journal_lines() if line["request_id"] == request_id]
    assert (line["method"], line["path"], line["key_id"]) == ("POST", "/a/b", consumer.key_id)


@pytest.mark.parametrize("profile", PROFILES)
def test_contract_is_whole_when_there_is_nothing_to_say(
    authorizer: AuthorizerProcess, consumer: Consumer, profile: str
) -> None:
    allowed = ask(authorizer, profile, consumer)
    refused = ask(authorizer, profile, None)

    for answer in (allowed, refused):
        assert [name for name in CONTRACT if name not in answer.headers] == []
    assert allowed.headers["x-ratelimit-limit"] == allowed.headers["x-upstream-base"] == ""
    assert allowed.headers["x-upstream-name-1"] == allowed.headers["x-upstream-value-4"] == ""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("fields", "uri", "method", "expected"),
    [
        ({"key_fields": {"state": "revoked"}}, "/weather/x", "GET", (401, "credential_invalid")),
        ({"key_fields": {"scopes": ("read",)}}, "/weather/x", "PUT", (403, "scope_insufficient")),
        ({"limits": (RateLimit("m", 0, 60),)}, "/weather", "GET", (429, "rate_limit_exceeded")),
        ({"quota": 0}, "/weather/", "DELETE", (429, "quota_exceeded")),
        ({}, "/nothing/x", "GET", (404, "api_not_found")),
        ({}, "/Weather/x", "GET", (404, "api_not_found")),
        ({}, "/weather/../based/x", "GET", (400, "invalid_path")),
        ({}, "/weather/%2e%2e/based", "GET", (400, "invalid_path")),
        ({}, "/based%2f..%2fweather", "GET", (400, "invalid_path")),
        ({}, "/weather/%zz", "GET", (400, "invalid_path")),
        ({}, "/weather%00/x", "GET", (400, "invalid_path")),
        ({}, "/weather/a%5cb", "GET", (400, "invalid_path")),
        ({"key_fields": {"ip_allow": ("198.51.100.0/24",)}}, "/weather", "GET", (403, "ip_not_allowed")),
    ],
)  # fmt: skip
def test_refusals_are_the_same_for_every_proxy(
    authorizer: AuthorizerProcess,
    registry: Registry,
    *,
    profile: str,
    fields: dict[str, Any],
    uri: str,
    method: str,
    expected: tuple[int, str],
) -> None:
    consumer = make_consumer(**fields)
    registry.admit(consumer)

    answer = ask(authorizer, profile, consumer, uri, method)

    assert told(profile, answer) == expected
    assert answer.headers["x-tollgate-error"] == "true"
    assert bool(answer.headers["retry-after"]) == (expected[0] == 429)


@pytest.mark.parametrize("profile", PROFILES)
def test_question_without_the_secret_is_refused(
    authorizer: AuthorizerProcess, profile: str
) -> None:
    answer = authorizer.client.get(f"/authz/{profile}/weather")

    assert told(profile, answer) == (403, "forbidden_caller")


@pytest.mark.parametrize("profile", PROFILES)
def test_headers_that_a_client_smuggles_in_decide_nothing(
    authorizer: AuthorizerProcess, consumer: Consumer, profile: str
) -> None:
    for slug in ("based", "", "weather, based"):
        answer = ask(authorizer, profile, consumer, "/weather", "GET", ("x-tollgate-slug", slug))
        assert told(profile, answer) == (400, "invalid_path")
    same = ask(authorizer, profile, consumer, "/weather", "GET", ("x-tollgate-slug", "weather"))
    assert same.status_code == 200
    ignored = [
        ("x-tollgate-path", "/other"),
        ("x-tollgate-method", "PUT"),
        ("x_original_uri", "/based"),
        ("x_forwarded_uri", "/based"),
        ("x-tollgate-slug", "weather"),
    ]
    answer = ask(authorizer, profile, consumer, "/weather/own", "GET", *ignored)
    assert answer.status_code == 200
    (line,) = [
        line
        for line in authorizer.journal_lines()
        if line["request_id"] == answer.headers["x-request-id"]
    ]
    assert (line["method"], line["path"]) == ("GET", "/own")


@pytest.mark.parametrize(
    ("profile", "header"),
    [
        ("nginx", "x-original-uri"),
        ("nginx", "x-original-method"),
        ("nginx", "x-tollgate-request-id"),
        ("nginx", "x-tollgate-client-ip"),
        ("traefik", "x-forwarded-uri"),
        ("traefik", "x-forwarded-method"),
    ],
)
def test_second_copy_of_a_header_that_is_believed_is_refused(
    authorizer: AuthorizerProcess, consumer: Consumer, profile: str, header: str
) -> None:
    answer = ask(authorizer, profile, consumer, "/weather", "GET", (header, "/based"))

    assert told(profile, answer) == (400, "proxy_request_incomplete")


@pytest.mark.parametrize("profile", ["envoy", "traefik"])
def test_request_id_of_a_client_makes_no_call_free(
    authorizer: AuthorizerProcess, registry: Registry, profile: str
) -> None:
    consumer = make_consumer(quota=10)
    registry.admit(consumer)
    same_id = ("x-request-id", "same"), ("x-tollgate-request-id", "same")

    for _ in range(3):
        assert ask(authorizer, profile, consumer, "/weather", "GET", *same_id).status_code == 200

    assert registry.used(consumer) == 3


@pytest.mark.parametrize("profile", PROFILES)
def test_preflight_never_reaches_the_upstream_without_a_key(
    authorizer: AuthorizerProcess, registry: Registry, upstream_port: int, profile: str
) -> None:
    registry.apply(make_route("open", upstream_port, cors_origins=("https://app.example",)))
    registry.wait_for_proof()
    asked = ("access-control-request-method", "POST"), ("origin", "https://app.example")

    answer = ask(authorizer, profile, None, "/open/x", "OPTIONS", *asked)

    assert "x-authz" not in answer.headers
    if profile == "traefik":
        assert told(profile, answer) == (401, "credential_missing")
        return
    status = answer.headers["x-auth-status"] if profile == "nginx" else str(answer.status_code)
    assert status == "204"
    assert answer.status_code == (403 if profile == "nginx" else 204)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "PROPFIND"])
def test_envoy_asks_with_any_method_and_no_body(
    authorizer: AuthorizerProcess, consumer: Consumer, method: str
) -> None:
    def send(length: int, body: bytes) -> bytes:
        head = (
            f"{method} /authz/envoy/weather/x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n"
            f"X-Tollgate-Secret: {SECRET}\r\nX-Api-Key: {consumer.key}\r\nConnection: close\r\n\r\n"
        )
        received = b""
        with socket.create_connection((LOOPBACK, authorizer.port), timeout=5) as connection:
            connection.sendall(head.encode() + body)
            while data := connection.recv(65536):
                received += data
        return received

    assert send(0, b"").startswith(b"HTTP/1.1 200 ")
    assert send(5, b"hello").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", ["/authz/apache", "/authz/", "/authz/nginxx", "/authz"])
def test_unknown_proxy_is_no_proxy(authorizer: AuthorizerProcess, path: str) -> None:
    answer = authorizer.client.get(path, headers={"x-tollgate-secret": SECRET})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("/weather", Target("weather", "/")),
        ("/weather/", Target("weather", "/")),
        ("/weather/a%2Fb?x=/../y", Target("weather", "/a/b")),
        ("///weather//a", Target("weather", "//a")),
        ("http://gateway.example/weather/a", Target("weather", "/a")),
        ("/%77eather/caf%C3%A9", Target("weather", "/caf\u00e9")),
        ("/weather/%FF", Target("weather", UNREADABLE)),
        ("/-weather/a", Target("", "/")),
        ("/", Target("", "/")),
    ],
)
def test_target_is_read_as_caddy_reads_it(uri: str, target: Target) -> None:
    assert read_target(uri) == target


@pytest.mark.parametrize(
    "uri",
    ["", "*", "weather", "/weather/..", "/./weather", "/a%2Fweather", "/weather/%", "/weather#/x",
     "/weather/a b", "/weather/%0a", "http:/weather/%2e%2e", "gateway.example:443"],
)  # fmt: skip
def test_target_that_could_be_misread_is_refused(uri: str) -> None:
    with pytest.raises(UnsafePathError):
        read_target(uri)


@given(uri=st.text(max_size=60))
def test_any_text_is_a_target_or_refused(uri: str) -> None:
    try:
        slug, path = read_target(uri)
    except UnsafePathError:
        return
    assert path.startswith(("/", UNREADABLE))
    assert ".." not in path.split("/")
    assert slug == "" or slug.replace("-", "").isalnum()
