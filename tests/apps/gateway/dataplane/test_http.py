"""The authorizer's listener takes what the proxy sends and nothing that two readers could read differently."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx
import pytest

from apps.gateway.authorizer.http import (
    HEAD_TIMEOUT_S,
    MAX_HEAD_BYTES,
    MAX_WAITING,
    REFUSAL,
    render_headers,
)
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    ValkeyServer,
    ask_headers,
    make_consumer,
    running,
    wait_for,
)

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(authorizer: AuthorizerProcess) -> socket.socket:
    return socket.create_connection((LOOPBACK, authorizer.port), timeout=5)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /authz/caddy HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-Name : y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: b\nX-C: d\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: b\rX-C: d\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: \0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: " + b"a" * MAX_HEAD_BYTES,
        b"GET /healthz HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /healthz HTTP/1.1\r\nContent-Length: +0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\xff\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX_A\xc3\xa9: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nX-Api-\u212aey: y\r\n\r\n".encode(),
        b"GET /healthz HTTP/1.1\r\nX(A): y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: a\x01b\r\n\r\n",
        b"GET /health z HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\nX-A: b\n\n",
        b"GET /healthz HTTP/2.0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_plain_request_is_refused_and_ends_the_connection(
    authorizer: AuthorizerProcess, sent: bytes
) -> None:
    with connect(authorizer) as connection:
        connection.sendall(sent)

        assert read_to_end(connection).startswith(b"HTTP/1.1 400 ")


def test_request_may_come_in_pieces_and_the_next_one_early(authorizer: AuthorizerProcess) -> None:
    with connect(authorizer) as connection:
        connection.sendall(HEALTH[:20])
        connection.sendall(HEALTH[20:] + HEALTH + HEALTH[:-2])
        connection.shutdown(socket.SHUT_WR)

        assert read_to_end(connection).count(b"HTTP/1.1 200 OK\r\n") == 2


def test_answer_to_a_call_comes_before_the_answer_to_the_next_request(
    authorizer: AuthorizerProcess,
) -> None:
    with connect(authorizer) as connection:
        connection.sendall(b"GET /authz/caddy HTTP/1.1\r\n\r\n" + HEALTH + b"nonsense\r\n\r\n")
        received = read_to_end(connection)

    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"403", b"200", b"400"]


def test_too_many_requests_ahead_of_their_answers_are_refused(
    authorizer: AuthorizerProcess,
) -> None:
    with connect(authorizer) as connection:
        connection.sendall(HEALTH * (MAX_WAITING + 1))
        received = read_to_end(connection)

    assert received.count(b"HTTP/1.1 200 ") == MAX_WAITING + 1
    assert received.endswith(REFUSAL)


def test_answer_comes_to_one_who_is_done_sending(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=10)
    registry.admit(consumer)
    lines = [f"{name}: {value}\r\n" for name, value in ask_headers(consumer).items()]
    with connect(authorizer) as connection:
        connection.sendall(f"GET /authz/caddy HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        connection.shutdown(socket.SHUT_WR)

        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
    assert registry.used(consumer) == 1


def test_connection_ends_after_the_answer_when_asked_to(authorizer: AuthorizerProcess) -> None:
    with connect(authorizer) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")

        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")


def test_head_that_never_ends_is_given_up_and_an_idle_connection_is_kept(
    authorizer: AuthorizerProcess,
) -> None:
    with connect(authorizer) as idle, connect(authorizer) as slow:
        slow.settimeout(HEAD_TIMEOUT_S + 5)
        slow.sendall(HEALTH[:20])

        assert read_to_end(slow) == REFUSAL
        idle.sendall(HEALTH)
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_header_that_is_not_text_counts_as_absent(authorizer: AuthorizerProcess) -> None:
    with connect(authorizer) as connection:
        connection.sendall(HEALTH[:-2] + b"X-A: \xff\xfe\r\nConnection: close\r\n\r\n")

        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("value", ["a\r\nX-Authz: allow", "a\nb", "a\rb"])
def test_header_with_a_line_break_is_never_sent(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        render_headers([("x-a", value)])


def test_two_authorizers_may_share_one_port(
    folder: Path, valkey: ValkeyServer, authorizer: AuthorizerProcess
) -> None:
    second = AuthorizerProcess(
        folder, valkey.url, node="sharer", AUTHORIZER_BIND=f"{LOOPBACK}:{authorizer.port}"
    )

    def nodes() -> set[str]:
        answers = (httpx.get(f"http://{LOOPBACK}:{authorizer.port}/healthz") for _ in range(10))
        return {answer.json()["node"] for answer in answers}

    with running(second):
        wait_for(lambda: nodes() == {"node-1", "sharer"}, what="both on one port")
