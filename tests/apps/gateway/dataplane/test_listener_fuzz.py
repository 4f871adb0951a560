"""Whatever bytes reach the listener: a well-formed answer, the right tenant or none, and never an end."""

from __future__ import annotations

import re
import socket
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    SECRET,
    AuthorizerProcess,
    Consumer,
    make_consumer,
    make_route,
)

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
STATUSES = {"200", "204", "400", "401", "403", "404", "405", "429", "503"}
_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z -]+\r\n((?:[a-z0-9-]+: ?[^\r\n]*\r\n)*)\r\n")

names = st.sampled_from(
    [
        b"X-Tollgate-Slug",
        b"X_Tollgate_Slug",
        b"x-tollgate-slug",
        b"X-Tollgate-Method",
        b"X-Tollgate-Path",
        b"X-Tollgate-Secret",
        b"X-Tollgate-Request-Id",
        b"X-Tollgate-Client-Ip",
        b"X-Original-URI",
        b"X-Original-Method",
        b"X-Forwarded-Uri",
        b"X-Forwarded-Method",
        b"X-Forwarded-For",
        b"X-Api-Key",
        b"X-Subscription-Key",
        b"Authorization",
        b"Access-Control-Request-Method",
        b"Origin",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Upgrade",
        b"X-Explain-Key",
        b"X-Authz",
        b"X-Odd",
    ]
)
texts = st.one_of(
    st.sampled_from(
        [
            b"weather",
            b"private",
            b"",
            b"0",
            b"5",
            b"chunked",
            b"close",
            b"upgrade",
            b"GET",
            b"OPTIONS",
            b"p\xc3\xa4th",
            b"\xff\xfe",
            b"/weather/x",
            b"/private/x",
            b"/weather/../private/x",
            b"/private%2f..%2fweather",
            b"*",
            b"https://app.example",
            b"Bearer tgk_live_x",
            b"x" * 9_000,
            b"y" * 70_000,
            b"203.0.113.7, nonsense",
            b"::1%eth0",
        ]
    ),
    st.binary(max_size=40).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b"")),
)
headers = st.lists(st.tuples(names, texts), max_size=6)
methods = st.sampled_from(
    [b"GET", b"POST", b"DELETE", b"OPTIONS", b"PROPFIND", b"CONNECT", b"get", b"G(T"]
)
paths = st.sampled_from(
    [
        b"/authz/caddy",
        b"/authz/nginx",
        b"/authz/traefik",
        b"/authz/envoy/weather/x",
        b"/authz/envoy/private/x",
        b"/authz/envoy/weather/../private/x",
        b"/authz/envoy//weather",
        b"/authz/envoy/weather%2f..%2fprivate",
        b"/authz/envoy",
        b"/authz/",
        b"/explain",
        b"/healthz?x",
        b"//authz/caddy",
        b"/authz/caddy/../nginx",
        b"*",
    ]
)


@pytest.fixture(scope="module")
def consumer(registry: Registry, authorizer: AuthorizerProcess, upstream_port: int) -> Consumer:
    """A consumer of `weather`; `private` is somebody else's."""
    consumer = make_consumer()
    registry.apply(make_route("private", upstream_port, cors_origins=("https://app.example",)))
    registry.admit(consumer, make_consumer("private"))
    return consumer


def send(authorizer: AuthorizerProcess, data: bytes) -> bytes:
    """Send bytes and say that no more will come; return everything that is answered."""
    received = b""
    with socket.create_connection((LOOPBACK, authorizer.port), timeout=15) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before it was all sent; the answer may be lost with it
        try:
            while more := connection.recv(65536):
                received += more
        except ConnectionResetError:
            return received
    return received


def read_answers(received: bytes) -> list[tuple[str, dict[str, str], bytes]]:
    """Read answers one after the other; nothing may be left over."""
    answers = []
    while received:
        head = _ANSWER.match(received)
        assert head is not None, received[:200]
        lines = head[2].decode().splitlines()
        found = dict(line.split(":", 1) for line in lines)
        length = int(found["content-length"])
        body = received[head.end() : head.end() + length]
        assert len(body) == length
        answers.append((head[1].decode(), {k: v.strip() for k, v in found.items()}, body))
        received = received[head.end() + length :]
    return answers


def check(
    authorizer: AuthorizerProcess, consumer: Consumer, received: bytes
) -> list[tuple[str, dict[str, str], bytes]]:
    """Check what holds for every answer: known status, and an allowed call is the consumer's own."""
    answers = read_answers(received)
    for status, found, _ in answers:
        assert status in STATUSES
        if found.get("x-authz") == "allow":
            assert status == "200"
            assert found["x-subscription-id"] == consumer.sub_id
            assert found["x-key-id"] == consumer.key_id
    assert authorizer.client.get("/healthz").status_code == 200
    return answers


@QUICK
@given(data=st.binary(max_size=300))
def test_any_bytes_are_answered_or_hung_up_on(
    authorizer: AuthorizerProcess, consumer: Consumer, data: bytes
) -> None:
    check(authorizer, consumer, send(authorizer, data))


@QUICK
@given(method=methods, path=paths, lines=headers)
def test_any_request_gets_a_well_formed_answer_and_no_other_api(
    authorizer: AuthorizerProcess,
    consumer: Consumer,
    method: bytes,
    path: bytes,
    lines: list[tuple[bytes, bytes]],
) -> None:
    """The proxy's secret and the consumer's key are there; everything else is anything."""
    request_id = uuid.uuid4().hex.encode()
    own = [
        (b"X-Tollgate-Secret", SECRET.encode()),
        (b"X-Tollgate-Request-Id", request_id),
        (b"X-Tollgate-Client-Ip", b"203.0.113.7"),
        (b"X-Api-Key", consumer.key.encode()),
    ]
    head = b"".join(b"%b: %b\r\n" % line for line in [*own, *lines])

    received = send(authorizer, b"%b %b HTTP/1.1\r\n%b\r\n" % (method, path, head))

    check(authorizer, consumer, received)
    journaled = {line["api_id"] for line in authorizer.journal_lines()}
    assert journaled <= {"api_weather"}


@QUICK
@given(lines=headers)
def test_without_the_secret_nothing_is_decided(
    authorizer: AuthorizerProcess, consumer: Consumer, lines: list[tuple[bytes, bytes]]
) -> None:
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    asked = b"X-Api-Key: %b\r\nX-Tollgate-Slug: weather\r\n" % consumer.key.encode()

    received = send(authorizer, b"GET /authz/caddy HTTP/1.1\r\n%b%b\r\n" % (asked, head))

    for status, found, _ in check(authorizer, consumer, received):
        assert status in {"400", "403"}
        assert "x-authz" not in found


def test_the_same_way_of_asking_can_be_allowed(
    authorizer: AuthorizerProcess, consumer: Consumer
) -> None:
    asked = f"X-Tollgate-Secret: {SECRET}\r\nX-Api-Key: {consumer.key}\r\n".encode()

    received = send(authorizer, b"GET /authz/envoy/weather/x HTTP/1.1\r\n%b\r\n" % asked)

    ((status, found, body),) = check(authorizer, consumer, received)
    assert (status, found["x-authz"], body) == ("200", "allow", b"")
