"""One suite for both proxy profiles: what a caller, a provider and the shipper see is the same behind Caddy and nginx."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from apps.gateway.entries import RateLimit
from apps.gateway.proxy_contract import MAX_BODY_BYTES
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    NginxProcess,
    ShipperProcess,
    make_consumer,
    make_route,
    running,
    serve_intake,
    wait_for,
)
from tests.apps.gateway.dataplane.streams import StreamServer, WebSocket, serve_streams
from tests.apps.gateway.dataplane.test_caddy import send_raw

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

Proxy = CaddyProcess | NginxProcess
PROFILES: dict[str, Callable[..., Proxy]] = {"caddy": CaddyProcess, "nginx": NginxProcess}
PAGE = "https://app.example"
_slugs = (f"api-{number}" for number in itertools.count())


@pytest.fixture(scope="module", params=sorted(PROFILES))
def proxy(
    request: pytest.FixtureRequest, folder: Path, authorizer: AuthorizerProcess
) -> Iterator[Proxy]:
    own = folder / request.param
    own.mkdir()
    with running(PROFILES[request.param](own, f"127.0.0.1:{authorizer.port}")) as process:
        yield process


@pytest.fixture(scope="module")
def streams() -> Iterator[StreamServer]:
    with serve_streams() as server:
        yield server


@pytest.fixture
def make_api(registry: Registry, upstream_port: int) -> Callable[..., Consumer]:
    """Return a maker of an API and a consumer of it; `route` holds fields of the route."""

    def make(
        *, route: dict[str, Any] | None = None, port: int | None = None, **fields: Any
    ) -> Consumer:
        slug = next(_slugs)
        registry.apply(make_route(slug, port or upstream_port, **(route or {})))
        consumer = make_consumer(slug, **fields)
        registry.admit(consumer)
        return consumer

    return make


@pytest.fixture
def consumer(make_api: Callable[..., Consumer]) -> Consumer:
    return make_api(quota=1000)


def call(proxy: Proxy, consumer: Consumer, path: str = "/x", **options: Any) -> httpx.Response:
    headers = {"X-Api-Key": consumer.key, **options.pop("headers", {})}
    method = options.pop("method", "GET")
    url = f"{proxy.url}/{consumer.slug}{path}"
    return httpx.request(method, url, headers=headers, trust_env=False, timeout=20, **options)


def line_of(proxy: Proxy, request_id: str) -> dict[str, Any]:
    """Return the access-log line of a call; a proxy writes it after the last byte was sent."""

    def find() -> dict[str, Any] | None:
        return next((line for line in proxy.log_lines() if line.get("uuid") == request_id), None)

    return dict(wait_for(find, what=f"the line of {request_id}"))


# --- The way in and the way out ---------------------------------------------------------------


def test_upstream_gets_the_call_and_nothing_of_ours_or_the_callers_credential(
    proxy: Proxy, consumer: Consumer
) -> None:
    response = call(
        proxy,
        consumer,
        "/forecast?days=3&q=%2F",
        method="POST",
        content=b"body",
        headers={
            "Authorization": "Basic abc",
            "X-Subscription-Id": "spoofed",
            "X_Subscription_Id": "spoofed",
            "X-Request-Id": "spoofed",
            "X-Tollgate-Slug": consumer.slug,
            "X-Tollgate-Client-Ip": "spoofed",
            "X-Original-Uri": "/other/x",
            "X-Forwarded-For": "198.51.100.1",
            "X-Forwarded-Uri": "/other/x",
            "Connection": "keep-alive, X-Subscription-Id",
            "X-Own": "kept",
        },
    )

    echo = response.json()
    sent = {name.lower(): value for name, value in echo["headers"]}
    assert (echo["method"], echo["path"]) == ("POST", "/forecast?days=3&q=%2F")
    assert (echo["body"], sent["x-own"]) == ("body", "kept")
    assert sent["x-subscription-id"] == consumer.sub_id
    assert sent["x-request-id"] == response.headers["x-request-id"] != "spoofed"
    gone = {"x-api-key", "authorization", "x_subscription_id", "x-forwarded-for", "x-original-uri"}
    assert not gone & sent.keys()
    assert not [name for name in sent if name.startswith(("x-tollgate", "x-forwarded"))]


@pytest.mark.parametrize(
    "header", ["X-Subscription-Key: {key}", "X-Api-Key: {key}", "Authorization: Bearer {key}"]
)
def test_key_may_travel_in_three_headers(proxy: Proxy, consumer: Consumer, header: str) -> None:
    status, _ = send_raw(proxy, f"/{consumer.slug}/x", header.format(key=consumer.key))

    assert status == 200


def test_provider_headers_and_base_path_are_added(
    proxy: Proxy, make_api: Callable[..., Consumer]
) -> None:
    secrets = (("Authorization", "Basic provider"), ("X-Proxy", "yes"), ("X-Third", "3"))
    consumer = make_api(route={"base_path": "/v1", "upstream_headers": secrets})

    response = call(proxy, consumer, "/cities?x=1", headers={"Authorization": "Basic mine"})
    spoofed = call(proxy, consumer, headers={"X-Proxy": "mine"})

    sent = [(name.lower(), value) for name, value in response.json()["headers"]]
    assert response.json()["path"] == "/v1/cities?x=1"
    assert [value for name, value in sent if name == "authorization"] == ["Basic provider"]
    assert [value for name, value in sent if name == "x-proxy"] == ["yes"]
    assert [value for name, value in sent if name == "x-third"] == ["3"]
    assert not [name for name, _ in sent if name.startswith("x-tollgate")]
    # Replaced where the proxy can, refused where it cannot: the caller's copy never arrives.
    if spoofed.status_code == 200:
        names = [value for name, value in spoofed.json()["headers"] if name.lower() == "x-proxy"]
        assert names == ["yes"]
    else:
        assert (spoofed.status_code, spoofed.json()["header"]) == (400, "X-Proxy")


def test_limits_are_told_by_us_alone(proxy: Proxy, make_api: Callable[..., Consumer]) -> None:
    consumer = make_api(quota=10, limits=(RateLimit("minute", 5, 60),))

    headers = call(proxy, consumer).headers

    assert headers.get_list("x-quota-limit") == ["10"]
    assert headers.get_list("x-quota-remaining") == ["9"]
    assert headers.get_list("x-ratelimit-limit") == ["5"]
    assert headers.get_list("x-ratelimit-remaining") == ["4"]
    assert headers["ratelimit"].startswith('"minute";r=4;t=')
    assert headers["ratelimit-policy"] == '"minute";q=5;w=60'
    assert "from the provider" not in headers.values()
    assert "x-tollgate-error" not in headers


@pytest.mark.parametrize("status", ["404", "429", "500", "502", "503", "504"])
def test_upstreams_own_errors_pass_unmarked(proxy: Proxy, consumer: Consumer, status: str) -> None:
    response = call(proxy, consumer, f"/status/{status}")

    assert (response.status_code, response.json()["method"]) == (int(status), "GET")
    assert "x-tollgate-error" not in response.headers
    line = line_of(proxy, response.headers["x-request-id"])
    assert not line.get("gateway_error")


def test_what_the_upstream_says_that_a_call_used_is_logged_and_seen_by_the_consumer(
    proxy: Proxy, consumer: Consumer
) -> None:
    metered, plain = call(proxy, consumer, "/metered"), call(proxy, consumer, "/x")

    assert metered.headers["x-meter"] == "tokens=381, rows=4"
    assert line_of(proxy, metered.headers["x-request-id"])["meter"] == "tokens=381, rows=4"
    assert not line_of(proxy, plain.headers["x-request-id"]).get("meter")


# --- Paths ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/{slug}", "/"),
        ("/{slug}/", "/"),
        ("/{slug}?x=1", "/?x=1"),
        ("//{slug}/a", "/a"),
        ("/{slug}//a", "/a"),
        ("/%61{rest}/a", "/a"),
        ("/{slug}/a%2Fb", "/a%2Fb"),
        ("/{slug}/a%3Fb=c", "/a%3Fb=c"),
        ("/{slug}/a?b=/../c", "/a?b=/../c"),
        ("/{slug}/{slug}/x", "/{slug}/x"),
        ("/{slug}/$1${{1}}", "/$1${{1}}"),
        ("/{slug}/..a/b..", "/..a/b.."),
        ("http://evil.example/{slug}/x", "/x"),
    ],
)
def test_forwarded_path_is_the_one_decided(
    proxy: Proxy, consumer: Consumer, target: str, expected: str
) -> None:
    names = {"slug": consumer.slug, "rest": consumer.slug[1:]}

    status, body = send_raw(proxy, target.format(**names), f"X-Api-Key: {consumer.key}")

    assert status == 200, body
    path = json.loads(body)["path"]
    # One escapes braces on its way, the other does not.
    assert path in {
        expected.format(**names),
        expected.format(**names).replace("{", "%7B").replace("}", "%7D"),
    }


@pytest.mark.parametrize(
    "target",
    [
        "/{slug}/../other/x",
        "/{slug}/%2e%2e/other/x",
        "/{slug}/.%2E/other/x",
        "/{slug}/%2e/x",
        "/{slug}/./x",
        "/{slug}/..",
        "/..",
        "/../{slug}/x",
        "/x/../{slug}/a",
        "/{slug}%2fx",
        "/{slug}%2F..%2fother",
        "/%2f{slug}/x",
        "/{slug}/..%2fother/x",
        "/{slug}/a%00b",
        "/{slug}/a%0d%0aX-Tollgate-Slug:%20other",
        "/{slug}/..%5cother",
    ],
)
def test_ambiguous_path_is_refused(proxy: Proxy, consumer: Consumer, target: str) -> None:
    status, body = send_raw(proxy, target.format(slug=consumer.slug), f"X-Api-Key: {consumer.key}")

    assert (status, json.loads(body)["code"]) == (400, "invalid_path")


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/API-0/x",
        "/api.0/x",
        "/no-such-api/x",
        "/.tollgate/authorize",
        "/.tollgate/unreadable",
    ],
)
def test_unknown_path_is_a_404_problem(proxy: Proxy, consumer: Consumer, target: str) -> None:
    status, body = send_raw(proxy, target, f"X-Api-Key: {consumer.key}")

    assert (status, json.loads(body)["code"]) == (404, "api_not_found")


# --- Denials ----------------------------------------------------------------------------------

DENIED: dict[str, tuple[int, dict[str, Any]]] = {
    "credential_missing": (401, {}),
    "credential_ambiguous": (401, {}),
    "credential_invalid": (401, {}),
    "credential_expired": (401, {"key_fields": {"expires_at": 1}}),
    "key_suspended": (403, {"key_fields": {"state": "suspended"}}),
    "subscription_inactive": (403, {"state": "paused"}),
    "tenant_mismatch": (403, {"key_fields": {"workspace_id": "ws_other"}}),
    "subscription_not_for_api": (403, {"api_id": "api_other"}),
    "test_key_refused": (403, {"key_fields": {"environment": "test"}}),
    "ip_not_allowed": (403, {"key_fields": {"ip_allow": ("203.0.113.0/24",)}}),
    "scope_insufficient": (403, {"key_fields": {"scopes": ()}}),
    "api_suspended": (403, {"route": {"state": "suspended"}}),
    "method_not_allowed": (405, {"route": {"methods": ("POST",)}}),
    "required_header_missing": (400, {"route": {"required_headers": ("x-needed",)}}),
    "rate_limit_exceeded": (429, {"limits": (RateLimit("minute", 0, 60),)}),
    "quota_exceeded": (429, {"quota": 0}),
    "api_unavailable": (503, {"route": {"state": "unhealthy"}}),
}
TOLD = ("www-authenticate", "retry-after", "allow", "content-type", "cache-control")


@pytest.mark.parametrize("code", sorted(DENIED))
def test_denial_is_what_the_authorizer_says(
    proxy: Proxy, authorizer: AuthorizerProcess, make_api: Callable[..., Consumer], code: str
) -> None:
    status, fields = DENIED[code]
    consumer = make_api(**fields)
    headers = {
        "credential_missing": {"X-Api-Key": ""},
        "credential_invalid": {"X-Api-Key": "nonsense"},
        "credential_ambiguous": {"Authorization": f"Bearer {consumer.key}"},
    }.get(code, {})
    sent = {"X-Api-Key": consumer.key, **headers}
    sent = {name: value for name, value in sent.items() if value}

    response = httpx.get(f"{proxy.url}/{consumer.slug}/x", headers=sent, trust_env=False)
    asked = {"x_tollgate_client_ip": "127.0.0.1", "x_tollgate_path": "/x"}
    told = authorizer.ask(
        consumer,
        **{"x_api_key": "-", **asked, **{name.lower(): value for name, value in sent.items()}},
    )

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.content == told.content
    assert {name: response.headers.get(name) for name in TOLD} == {
        name: told.headers.get(name) for name in TOLD
    }
    assert response.headers["x-tollgate-error"] == "true"
    line = line_of(proxy, response.headers["x-request-id"])
    assert (line["status"], line["subscription_id"], line["key_id"]) == (status, None, None)


def test_head_is_refused_without_a_body(proxy: Proxy, consumer: Consumer) -> None:
    response = httpx.head(f"{proxy.url}/{consumer.slug}/x", trust_env=False)

    assert (response.status_code, response.content) == (401, b"")


def test_dead_authorizer_fails_closed(proxy: Proxy, tmp_path: Path, consumer: Consumer) -> None:
    with running(type(proxy)(tmp_path, "127.0.0.1:1")) as lonely:
        response = call(lonely, consumer)

    assert (response.status_code, response.json()["code"]) == (503, "gateway_unavailable")
    assert response.headers["x-tollgate-error"] == "true"
    assert response.headers["retry-after"] == "1"


# --- Upstreams that fail ----------------------------------------------------------------------


def test_unreachable_upstream_is_a_502_problem_that_names_no_address(
    proxy: Proxy, make_api: Callable[..., Consumer]
) -> None:
    consumer = make_api(port=1, route={"cors_origins": (PAGE,)})

    response = call(proxy, consumer, headers={"Origin": PAGE})

    assert (response.status_code, response.json()["code"]) == (502, "upstream_unreachable")
    assert "127.0.0.1" not in response.text
    assert response.headers["x-tollgate-error"] == "true"
    assert response.headers["access-control-allow-origin"] == PAGE
    line = line_of(proxy, response.headers["x-request-id"])
    assert (line["gateway_error"], line["subscription_id"]) == ("true", consumer.sub_id)
    assert consumer.key not in proxy.log.read_text()


def test_silent_upstream_is_a_504_problem_after_its_time(
    proxy: Proxy, tmp_path: Path, authorizer: AuthorizerProcess, make_api: Callable[..., Consumer]
) -> None:
    # Calls of three seconds at most: no class waits longer.
    hasty = type(proxy)(tmp_path, f"127.0.0.1:{authorizer.port}", longest_call_s=13)
    with socket.create_server(("127.0.0.1", 0)) as silent, running(hasty):
        consumer = make_api(port=silent.getsockname()[1], route={"timeout": "short"})

        response = call(hasty, consumer)

        line = line_of(hasty, response.headers["x-request-id"])
    assert (response.status_code, response.json()["code"]) == (504, "upstream_timeout")
    assert response.headers["x-tollgate-error"] == "true"
    assert (line["gateway_error"], line["status"]) == ("true", 504)


# --- Pages in browsers ------------------------------------------------------------------------


def preflight(proxy: Proxy, consumer: Consumer, origin: str) -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-api-key",
    }
    return httpx.options(f"{proxy.url}/{consumer.slug}/x", headers=asked, trust_env=False)


def test_preflight_is_answered_without_a_key_and_not_counted(
    proxy: Proxy, registry: Registry, make_api: Callable[..., Consumer]
) -> None:
    consumer = make_api(quota=10, route={"cors_origins": (PAGE,)})

    allowed = preflight(proxy, consumer, PAGE)
    foreign = preflight(proxy, consumer, "https://other.example")

    assert (allowed.status_code, allowed.content) == (204, b"")
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert allowed.headers["access-control-allow-methods"] == "PUT"
    assert allowed.headers["access-control-allow-headers"] == "x-api-key"
    assert "x-tollgate-error" not in allowed.headers
    assert foreign.status_code == 204
    assert "access-control-allow-origin" not in foreign.headers
    assert registry.used(consumer) == 0


def test_without_a_policy_a_preflight_needs_a_key_and_cors_is_the_upstreams(
    proxy: Proxy, consumer: Consumer
) -> None:
    response = call(proxy, consumer, headers={"Origin": PAGE})

    assert preflight(proxy, consumer, PAGE).status_code == 401
    assert response.headers["access-control-allow-origin"] == "https://upstream.example"


@pytest.mark.parametrize("origins", [(PAGE,), ("*",)])
def test_page_of_an_allowed_origin_may_read_answers_and_refusals(
    proxy: Proxy, make_api: Callable[..., Consumer], origins: tuple[str, ...]
) -> None:
    consumer = make_api(quota=1, route={"cors_origins": origins})

    answers = [call(proxy, consumer, headers={"Origin": PAGE}) for _ in range(2)]
    answers.append(
        httpx.get(f"{proxy.url}/{consumer.slug}/x", headers={"Origin": PAGE}, trust_env=False)
    )

    assert [answer.status_code for answer in answers] == [200, 429, 401]
    for answer in answers:
        assert answer.headers.get_list("access-control-allow-origin") == list(origins)
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert {"x-quota-remaining", "retry-after", "x-request-id"} <= set(exposed)
    foreign = call(proxy, consumer, headers={"Origin": "https://other.example"})
    assert foreign.headers.get("access-control-allow-origin") in {None, "*"}


# --- Sizes ------------------------------------------------------------------------------------


def test_announced_large_body_is_refused_before_the_charge(
    proxy: Proxy, registry: Registry, consumer: Consumer
) -> None:
    status, body = send_raw(
        proxy,
        f"/{consumer.slug}/x",
        f"X-Api-Key: {consumer.key}",
        f"Content-Length: {MAX_BODY_BYTES}",
        method="POST",
    )

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert registry.used(consumer) == 0


def test_chunked_large_body_is_cut_off_and_logged_as_the_gateways_error(
    proxy: Proxy, streams: StreamServer, make_api: Callable[..., Consumer]
) -> None:
    consumer = make_api(port=streams.server_port, quota=10)
    chunk = b"x" * 1_000_000
    status = send_chunks(proxy, consumer, itertools.repeat(chunk, 110))

    lines = wait_for(
        lambda: [line for line in proxy.log_lines() if line["subscription_id"] == consumer.sub_id],
        what="the line of a large body",
    )
    assert status in {413, None}
    # What the log says decides: without an upstream's answer nothing is billed.
    assert (lines[0]["status"], lines[0]["gateway_error"]) == (413, "true")


def send_chunks(proxy: Proxy, consumer: Consumer, chunks: Iterator[bytes]) -> int | None:
    """Send a chunked body as far as it is taken; return the status, or None when the connection was cut."""
    head = [
        f"POST /{consumer.slug}/x HTTP/1.1",
        "Host: gateway.example",
        f"X-Api-Key: {consumer.key}",
        "Transfer-Encoding: chunked",
    ]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        try:
            for chunk in chunks:
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            connection.sendall(b"0\r\n\r\n")
            answer = connection.recv(65536)
        except ConnectionError:
            try:
                answer = connection.recv(65536)
            except ConnectionError:
                answer = b""
    return int(answer.split()[1]) if answer else None


def test_small_chunked_body_arrives(proxy: Proxy, consumer: Consumer) -> None:
    response = call(proxy, consumer, method="POST", content=iter([b"one ", b"two"]))

    assert (response.status_code, response.request.headers["transfer-encoding"]) == (200, "chunked")


def test_headers_that_are_too_large_are_431(proxy: Proxy, consumer: Consumer) -> None:
    status, _ = send_raw(proxy, f"/{consumer.slug}/x", f"X-Long: {'x' * 200_000}")
    still, _ = send_raw(
        proxy, f"/{consumer.slug}/x", f"X-Api-Key: {consumer.key}", f"X-Long: {'x' * 20_000}"
    )

    assert (status, still) == (431, 200)


@pytest.mark.parametrize("value", ["café", "k" * 20_000, "", "a,b"])
def test_strange_credentials_are_401(proxy: Proxy, consumer: Consumer, value: str) -> None:
    status, _ = send_raw(proxy, f"/{consumer.slug}/x", f"X-Api-Key: {value}")

    assert status == 401


def test_target_that_is_no_text_passes_to_nobody_else(proxy: Proxy, consumer: Consumer) -> None:
    status, body = send_raw(proxy, f"/{consumer.slug}/é", f"X-Api-Key: {consumer.key}")

    # One proxy writes its bytes as an escape, the other as they are, and then nobody can read them.
    assert (status, json.loads(body).get("code")) in {
        (200, None),
        (400, "proxy_request_incomplete"),
    }


# --- Streams ----------------------------------------------------------------------------------


def test_events_arrive_one_by_one(
    proxy: Proxy, registry: Registry, streams: StreamServer, make_api: Callable[..., Consumer]
) -> None:
    consumer = make_api(port=streams.server_port, quota=10)
    url = f"{proxy.url}/{consumer.slug}/events"
    with httpx.stream("GET", url, headers={"X-Api-Key": consumer.key}, trust_env=False) as response:
        events = response.iter_text()
        received = []
        for _ in range(3):
            streams.next_event.release()
            # Each arrives before the next one is sent.
            received.append(next(events).strip())
        assert list(events) == []

    line = line_of(proxy, response.headers["x-request-id"])
    assert received == ["data: 0", "data: 1", "data: 2"]
    assert (line["status"], registry.used(consumer)) == (200, 1)


def test_websocket_talks_survives_changes_and_counts_once(
    proxy: Proxy,
    registry: Registry,
    streams: StreamServer,
    upstream_port: int,
    make_api: Callable[..., Consumer],
) -> None:
    consumer = make_api(port=streams.server_port, quota=10, route={"timeout": "short"})
    web_socket = WebSocket(proxy.port, f"/{consumer.slug}/ws", f"X-Api-Key: {consumer.key}")
    assert (web_socket.status, web_socket.say("one")) == (101, "one")

    # Keys, plans and routes come and go without the proxy noticing.
    registry.apply(make_route(consumer.slug, upstream_port))
    registry.wait_for_proof()
    make_api()

    assert [web_socket.say(word) for word in ("two", "three")] == ["two", "three"]
    request_id = web_socket.headers["x-request-id"]
    web_socket.close()
    line = line_of(proxy, request_id)
    assert (line["status"], line["subscription_id"]) == (101, consumer.sub_id)
    assert registry.used(consumer) == 1


def test_websocket_without_a_key_is_refused(
    proxy: Proxy, streams: StreamServer, make_api: Callable[..., Consumer]
) -> None:
    consumer = make_api(port=streams.server_port)

    assert WebSocket(proxy.port, f"/{consumer.slug}/ws").status == 401


# --- Metering ---------------------------------------------------------------------------------


def test_log_line_has_what_billing_needs_and_no_secret(proxy: Proxy, consumer: Consumer) -> None:
    response = call(
        proxy,
        consumer,
        "/logged?api_key=in-the-query&days=1",
        method="POST",
        content=b"12345",
        headers={"Cookie": "session=in-the-cookie", "X-Own": "in-the-header"},
    )

    line = line_of(proxy, response.headers["x-request-id"])
    assert (line["subscription_id"], line["key_id"]) == (consumer.sub_id, consumer.key_id)
    assert (line["status"], line["bytes_read"], line["size"]) == (200, 5, len(response.content))
    assert abs(line["ts"] - time.time()) < 60
    assert line["request"]["method"] == "POST"
    # nginx measures in whole milliseconds.
    assert 0 <= line["upstream_latency_ms"] <= line["duration"] * 1000 + 1
    text = proxy.access_log.read_bytes()
    for secret in (consumer.key, "in-the-query", "in-the-header", "in-the-cookie"):
        assert secret.encode() not in text


def test_shipper_joins_log_and_journal(
    proxy: Proxy,
    tmp_path: Path,
    authorizer: AuthorizerProcess,
    make_api: Callable[..., Consumer],
) -> None:
    consumer, dead = make_api(), make_api(port=1)
    answers = [call(proxy, consumer, "/status/201?token=x", method="POST", content=b"abc")]
    answers += [call(proxy, consumer, "/é"), call(proxy, dead)]
    with serve_intake() as (intake, web_url):
        shipper = ShipperProcess(tmp_path, authorizer.journal_dir, proxy.access_log, web_url)
        with running(shipper):
            ids = {answer.headers["x-request-id"] for answer in answers}
            found = wait_for(
                lambda: (
                    ids <= {event["request_id"] for event in intake.events}
                    and {event["request_id"]: event for event in intake.events}
                ),
                timeout_s=30,
                what=f"events of {ids}: {shipper.log.read_text()}",
            )
    created, plain, failed = (found[answer.headers["x-request-id"]] for answer in answers)

    assert intake.problems == []
    assert {event["outcome"] for event in (created, plain, failed)} == {"completed"}
    assert (created["status"], created["method"], created["path"]) == (201, "POST", "/status/201")
    assert (created["request_bytes"], created["response_bytes"]) == (3, len(answers[0].content))
    assert created["upstream_latency_ms"] is not None
    assert (unquote(plain["path"]), plain["status"]) == ("/é", 200)
    assert (failed["status"], failed["upstream_latency_ms"]) == (502, None)
    assert {event["subscription_id"] for event in (created, plain)} == {consumer.sub_id}
