"""The whole way of a call through a real Caddy: paths, headers, secrets, errors, drift."""

from __future__ import annotations

import json
import re
import socket
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from apps.gateway.caddy import CaddyError, CaddyWriter
from apps.gateway.caddy_config import GatewayConfig, render_config
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    NginxProcess,
    make_consumer,
    make_route,
    running,
    wait_for,
)


@pytest.fixture(scope="module")
def consumer(registry: Registry, caddy: CaddyProcess, upstream_port: int) -> Consumer:
    consumer = make_consumer(quota=100_000)
    registry.apply(
        make_route(
            "based",
            upstream_port,
            base_path="/v1",
            upstream_headers=(("Authorization", "Basic provider-secret"), ("X-Proxy", "yes")),
        )
    )
    registry.admit(consumer)
    return consumer


@pytest.fixture(scope="module")
def based(registry: Registry, consumer: Consumer) -> Consumer:
    based = make_consumer("based")
    registry.admit(based)
    return based


def send_raw(
    proxy: CaddyProcess | NginxProcess,
    target: str,
    *headers: str,
    method: str = "GET",
    body: str = "",
) -> tuple[int, bytes]:
    """Send a request target exactly as given; return status and body."""
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway.example", "Connection: close", *headers]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        connection.sendall(("\r\n".join([*lines, "", ""]) + body).encode("latin-1"))
        data = b""
        while part := connection.recv(65536):
            data += part
    head, _, answer = data.partition(b"\r\n\r\n")
    if head.split()[1] == b"100":  # "Expect: 100-continue" was answered first
        head, _, answer = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), answer


def test_call_reaches_the_upstream_without_credential(
    caddy: CaddyProcess, consumer: Consumer
) -> None:
    response = httpx.post(
        f"{caddy.url}/weather/forecast?days=3",
        content=b"body",
        headers={
            "X-Api-Key": consumer.key,
            "Authorization": "Basic abc",
            "X-Subscription-Id": "spoofed",
            "X_Subscription_Id": "spoofed",
            "X-Request-Id": "spoofed",
            "X-Tollgate-Slug": "other",
            "X-Forwarded-For": "198.51.100.1",
            "Connection": "keep-alive, X-Subscription-Id",
        },
    )

    echo = response.json()
    sent = {name.lower(): value for name, value in echo["headers"]}
    assert (response.status_code, echo["method"], echo["path"]) == (200, "POST", "/forecast?days=3")
    assert echo["body"] == "body"
    assert sent["x-subscription-id"] == consumer.sub_id
    assert sent["x-request-id"] == response.headers["x-request-id"] != "spoofed"
    for name in ("x-api-key", "authorization", "x_subscription_id", "x-forwarded-for"):
        assert name not in sent
    assert not [name for name in sent if name.startswith("x-tollgate")]


def test_rate_headers_are_ours_alone(caddy: CaddyProcess, consumer: Consumer) -> None:
    response = httpx.get(f"{caddy.url}/weather/x", headers={"X-Api-Key": consumer.key})

    assert "from the provider" not in response.headers.values()
    assert response.headers["x-quota-limit"] == "100000"
    assert "x-tollgate-error" not in response.headers
    assert "server" not in {name for name in response.headers if name == "server"}


def test_provider_headers_replace_the_clients(caddy: CaddyProcess, based: Consumer) -> None:
    response = httpx.get(
        f"{caddy.url}/based/cities",
        headers={"X-Subscription-Key": based.key, "X-Proxy": "mine", "Connection": "X-Proxy"},
    )

    sent = {name.lower(): value for name, value in response.json()["headers"]}
    assert response.json()["path"] == "/v1/cities"
    assert (sent["authorization"], sent["x-proxy"]) == ("Basic provider-secret", "yes")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/weather", "/"),
        ("/weather/", "/"),
        ("/weather?x=1", "/?x=1"),
        ("//weather/a", "/a"),
        ("/weather//a", "/a"),
        ("/%77eather/a", "/a"),
        ("/weather/a%2Fb", "/a%2Fb"),
        ("/weather/a%3Fb=c", "/a%3Fb=c"),
        ("/weather/a?b=/../c", "/a?b=/../c"),
        ("/weather/weather/x", "/weather/x"),
        ("/weather/{http.vars.dial}", "/%7Bhttp.vars.dial%7D"),
        ("/weather/$1${1}", "/$1$%7B1%7D"),
        ("/weather/..a/b..", "/..a/b.."),
        ("http://evil.example/weather/x", "/x"),
    ],
)
def test_forwarded_path_is_the_one_decided(
    caddy: CaddyProcess, consumer: Consumer, target: str, expected: str
) -> None:
    status, body = send_raw(caddy, target, f"X-Api-Key: {consumer.key}")

    assert (status, json.loads(body)["path"]) == (200, expected)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/weather/days/7", 200),
        ("//weather/days/7", 200),
        ("/weather//days/7", 200),
        ("/weather/%64ays/7?next=%2F", 200),
        ("/weather/days/caf%C3%A9", 200),
        # The proxy merges slashes before it asks and before it forwards.
        ("/weather/days//7", 200),
        ("/weather/days/7/", 403),
        ("/weather/Days/7", 403),
        ("/weather/days/7%2F8", 403),
        ("/weather/days%2f7", 403),
        ("/weather/days/%252e%252e", 403),
        ("/weather/days/..;", 403),
        ("/weather/days/%ff", 403),
        ("/weather/days/%2e%2e/days", 400),
        ("/weather/", 403),
        ("/weather", 403),
    ],
)
def test_key_with_endpoints_is_not_fooled_by_spellings(
    registry: Registry, caddy: CaddyProcess, target: str, status: int
) -> None:
    consumer = make_consumer(key_fields={"endpoints": (("GET", "/days/{day}"),)})
    registry.admit(consumer)

    answer, body = send_raw(caddy, target, f"X-Api-Key: {consumer.key}")

    assert answer == status
    if status == 200:
        path = unquote(json.loads(body)["path"].partition("?")[0])
        assert re.fullmatch("/days/[^/]+", path)


@pytest.mark.parametrize(
    "target",
    [
        "/weather/../based/x",
        "/weather/%2e%2e/based/x",
        "/weather/.%2E/based/x",
        "/weather/%2e/x",
        "/weather/./x",
        "/weather/..",
        "/weather/%2e%2e",
        "/x/../weather/a",
        "/weather%2fx",
        "/weather%2F..%2fbased",
        "/%2fweather/x",
        "/weather/..%2fbased/x",
        "/weather/a%2f..%2f..%2fbased",
        "/weather/a%00b",
        "/weather/a%0d%0aX-Tollgate-Slug:%20based",
        "/weather/..%5cbased",
    ],
)
def test_ambiguous_path_is_refused(caddy: CaddyProcess, consumer: Consumer, target: str) -> None:
    status, body = send_raw(caddy, target, f"X-Api-Key: {consumer.key}")

    assert (status, json.loads(body)["code"]) == (400, "invalid_path")


@pytest.mark.parametrize("target", ["/", "/WEATHER/x", "/weatherX", "/weather.x", "/no-such-api/x"])
def test_unmatched_path_is_a_404_problem(
    caddy: CaddyProcess, consumer: Consumer, target: str
) -> None:
    status, body = send_raw(caddy, target, f"X-Api-Key: {consumer.key}")

    assert (status, json.loads(body)["code"]) == (404, "api_not_found")


def test_key_of_one_api_does_not_open_another(caddy: CaddyProcess, consumer: Consumer) -> None:
    response = httpx.get(f"{caddy.url}/based/x", headers={"X-Api-Key": consumer.key})

    assert (response.status_code, response.json()["code"]) == (403, "subscription_not_for_api")


def test_non_ascii_slug_header_and_long_header_never_crash(
    caddy: CaddyProcess, consumer: Consumer
) -> None:
    for line in ("X-Api-Key: caf\u00e9", f"X-Api-Key: {'k' * 20_000}", "X-Api-Key:"):
        status, _ = send_raw(caddy, "/weather/\u00e9", line)
        assert status == 401
    status, _ = send_raw(caddy, "/weather/x", f"X-Long: {'x' * 200_000}")
    assert status == 431


def test_denial_reaches_the_client_with_its_headers(caddy: CaddyProcess) -> None:
    response = httpx.get(f"{caddy.url}/weather/x")

    assert (response.status_code, response.json()["code"]) == (401, "credential_missing")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-tollgate-error"] == "true"
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["x-request-id"]


def test_cors_policy_replaces_what_the_upstream_says(
    caddy: CaddyProcess, registry: Registry, consumer: Consumer, upstream_port: int
) -> None:
    page = "https://app.example"
    shared = make_consumer("shared", quota=10)
    registry.apply(make_route("shared", upstream_port, cors_origins=(page,)))
    registry.admit(shared)

    preflight = httpx.options(
        f"{caddy.url}/shared/x", headers={"Origin": page, "Access-Control-Request-Method": "PUT"}
    )
    call = httpx.get(f"{caddy.url}/shared/x", headers={"Origin": page, "X-Api-Key": shared.key})
    without = httpx.get(
        f"{caddy.url}/weather/x", headers={"Origin": page, "X-Api-Key": consumer.key}
    )

    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, page)
    assert call.headers.get_list("access-control-allow-origin") == [page]
    assert "Origin" in call.headers["vary"]
    exposed = call.headers["access-control-expose-headers"].lower()
    assert {"x-ratelimit-remaining", "x-quota-remaining", "retry-after"} <= set(exposed.split(", "))
    assert without.headers["access-control-allow-origin"] == "https://upstream.example"
    assert registry.used(shared) == 1


def test_unreachable_upstream_is_a_502_problem_that_names_no_address(
    caddy: CaddyProcess, registry: Registry
) -> None:
    consumer = make_consumer("dead")
    registry.apply(make_route("dead", 1))
    registry.admit(consumer)

    response = httpx.get(f"{caddy.url}/dead/x", headers={"X-Api-Key": consumer.key})

    assert (response.status_code, response.json()["code"]) == (502, "upstream_unreachable")
    assert "127.0.0.1" not in response.text
    assert response.headers["x-tollgate-error"] == "true"
    line = wait_for_line(caddy, response.headers["x-request-id"])
    assert (line["gateway_error"], line["subscription_id"]) == ("true", consumer.sub_id)
    assert consumer.key not in caddy.log.read_text()


def test_upstream_that_does_not_answer_in_time_is_a_504_problem_that_pages_may_read(
    folder: Path, authorizer: AuthorizerProcess, registry: Registry
) -> None:
    page = "https://app.example"
    consumer = make_consumer("silent", quota=10)
    # Connections are made and never read.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        registry.apply(
            make_route("silent", silent.getsockname()[1], timeout="short", cors_origins=(page,))
        )
        registry.admit(consumer)
        hasty = folder / "hasty"
        hasty.mkdir()
        # Calls of three seconds at most: no class waits longer.
        with running(
            CaddyProcess(hasty, f"127.0.0.1:{authorizer.port}", longest_call_s=13)
        ) as caddy:
            response = httpx.get(
                f"{caddy.url}/silent/x",
                headers={"X-Api-Key": consumer.key, "Origin": page},
                timeout=20,
            )
            line = wait_for_line(caddy, response.headers["x-request-id"])

    assert (response.status_code, response.json()["code"]) == (504, "upstream_timeout")
    assert response.headers["x-tollgate-error"] == "true"
    assert response.headers["access-control-allow-origin"] == page
    assert (line["gateway_error"], line["subscription_id"]) == ("true", consumer.sub_id)


def test_each_kind_of_upstream_has_a_handler_for_each_time_to_answer(caddy: CaddyProcess) -> None:
    routes = render_config(caddy.config)["apps"]["http"]["servers"]["gateway"]["routes"]
    times = {
        route["match"][0]["vars"]["{http.reverse_proxy.header.X-Upstream-Kind}"][0]: route[
            "handle"
        ][-1]["transport"]["response_header_timeout"]
        for route in routes
        if "X-Upstream-Kind" in str(route.get("match"))
    }

    assert times == {
        f"{scheme}{extra}+{name}": seconds
        for scheme in ("http", "https")
        for extra in ("", "+headers")
        for name, seconds in (("short", "10s"), ("standard", "60s"), ("long", "108s"))
    }


def test_upstream_error_passes_unmarked(caddy: CaddyProcess, consumer: Consumer) -> None:
    response = httpx.get(f"{caddy.url}/weather/status/503", headers={"X-Api-Key": consumer.key})

    assert response.status_code == 503
    assert "x-tollgate-error" not in response.headers


def test_log_line_has_what_billing_needs_and_no_secret(
    caddy: CaddyProcess, consumer: Consumer
) -> None:
    response = httpx.post(
        f"{caddy.url}/weather/logged?api_key=in-the-query&days=1",
        content=b"12345",
        headers={
            "X-Api-Key": consumer.key,
            "Authorization": "Basic in-the-header",
            "Cookie": "session=in-the-cookie",
        },
    )

    line = wait_for_line(caddy, response.headers["x-request-id"])
    assert line["subscription_id"] == consumer.sub_id
    assert line["key_id"] == consumer.key_id
    assert "headers" not in line["request"]
    assert "resp_headers" not in line
    assert (line["status"], line["bytes_read"], line["size"]) == (200, 5, len(response.content))
    assert 0 < line["upstream_latency_ms"] < line["duration"] * 1000
    text = caddy.access_log.read_text()
    for secret in (consumer.key, "in-the-query", "in-the-header", "in-the-cookie"):
        assert secret not in text
    assert stat.S_IMODE(caddy.access_log.stat().st_mode) & 0o007 == 0


def test_refused_call_logs_no_subscription(caddy: CaddyProcess) -> None:
    response = httpx.get(f"{caddy.url}/weather/x", headers={"X-Api-Key": "nonsense"})

    line = wait_for_line(caddy, response.headers["x-request-id"])
    assert (line["status"], line["subscription_id"]) == (401, None)


def test_dead_authorizer_fails_closed(folder: Path, consumer: Consumer) -> None:
    lonely = folder / "lonely"
    lonely.mkdir()
    process = CaddyProcess(lonely, "127.0.0.1:1")
    with running(process):
        response = httpx.get(f"{process.url}/weather/x", headers={"X-Api-Key": consumer.key})

    assert (response.status_code, response.json()["code"]) == (503, "gateway_unavailable")
    assert response.headers["x-tollgate-error"] == "true"


def test_writer_sees_and_heals_drift(caddy: CaddyProcess, consumer: Consumer) -> None:
    writer = CaddyWriter(caddy.config)
    assert writer.drift() == []
    other = CaddyWriter(
        GatewayConfig(**{**vars(caddy.config), "authorizer": "127.0.0.1:1", "longest_call_s": 60})
    )
    other.push()

    drift = writer.drift()
    assert drift
    assert writer.heal() == drift
    assert writer.heal() == []
    assert httpx.get(f"{caddy.url}/weather/x", headers={"X-Api-Key": consumer.key}).is_success


def test_admin_api_is_private(caddy: CaddyProcess, tmp_path: Path) -> None:
    assert stat.S_IMODE(caddy.config.admin_socket.stat().st_mode) == 0o600
    with pytest.raises(CaddyError):
        CaddyWriter(GatewayConfig(**{**vars(caddy.config), "admin_socket": tmp_path / "no"})).read()


def test_large_body_is_refused_before_the_charge(
    caddy: CaddyProcess, registry: Registry, authorizer: AuthorizerProcess
) -> None:
    consumer = make_consumer(quota=10)
    registry.admit(consumer)

    status, body = send_raw(
        caddy,
        "/weather/x",
        f"X-Api-Key: {consumer.key}",
        "Content-Length: 999999999999",
        method="POST",
    )

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert registry.used(consumer) == 0


def wait_for_line(caddy: CaddyProcess, request_id: str) -> dict[str, Any]:
    """Return the access-log line of a request; Caddy writes it after the last byte was sent."""

    def find() -> dict[str, Any] | None:
        lines = [line for line in caddy.log_lines() if line.get("uuid") == request_id]
        return lines[0] if lines else None

    line = wait_for(find, what=f"log line of {request_id}")
    return dict(line)
