"""The resolver that Caddy asks: only names whose every address may be called are answered."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import pytest

from apps.gateway.resolver.config import Server, system_servers
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.harness import ROOT, ResolverProcess, running
from tests.apps.gateway.dataplane.nameserver import NameServer, serve_names

PUBLIC = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1::1"


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with serve_names() as server:
        server.ttl_s = 300
        yield server


@pytest.fixture(scope="module")
def resolver(folder: Path, names: NameServer) -> Iterator[ResolverProcess]:
    process = ResolverProcess(
        folder,
        names.text,
        OUTGOING_TRUSTED_HOSTS="inner.example.com:8443",
        OUTGOING_REFUSED_NETWORKS="93.184.220.0/24",
        GATEWAY_RESOLVER_TRUSTED_NETWORKS="127.0.0.2/32",
    )
    with running(process):
        yield process


def test_public_name_is_answered_in_both_families(
    resolver: ResolverProcess, names: NameServer
) -> None:
    names.set("good.example.com", PUBLIC, PUBLIC_V6)

    assert resolver.addresses("good.example.com") == {PUBLIC}
    assert resolver.addresses("GOOD.example.com", "AAAA") == {PUBLIC_V6}


def test_aliases_are_followed_and_their_end_is_vetted(
    resolver: ResolverProcess, names: NameServer
) -> None:
    names.set("end.example.com", PUBLIC)
    names.set("alias.example.com", "CNAME end.example.com")
    names.set("inside.example.com", "10.0.0.5")
    names.set("mean.example.com", "CNAME inside.example.com")

    assert resolver.addresses("alias.example.com") == {PUBLIC}
    assert resolver.addresses("mean.example.com") == set()


@pytest.mark.parametrize(
    "records",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["10.1.2.3"],
        ["::1"],
        ["fe80::1"],
        ["fd00:ec2::254"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["0.0.0.0"],  # noqa: S104 -- not a binding
        ["93.184.220.9"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, "::1"],
        [PUBLIC_V6, "192.168.0.1"],
    ],
    ids=" ".join,
)
def test_one_address_that_is_not_public_refuses_the_whole_name(
    resolver: ResolverProcess, names: NameServer, records: list[str]
) -> None:
    name = f"bad-{abs(hash(tuple(records)))}.example.com"
    names.set(name, *records)

    for family in ("A", "AAAA"):
        answer = resolver.ask(name, family)
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])
        (reason,) = answer.options
        assert isinstance(reason, dns.edns.EDEOption)
        assert reason.code == dns.edns.EDECode.BLOCKED
    assert f"{name} is refused: " in resolver.log.read_text()


@pytest.mark.parametrize(
    "name", ["localhost", "db", "metadata.google.internal", "x.local", "127.0.0.1", "0x7f.1"]
)
def test_inner_names_are_refused_without_asking_anybody(
    resolver: ResolverProcess, names: NameServer, name: str
) -> None:
    names.set(name, PUBLIC)

    assert resolver.addresses(name) == set()
    assert names.asked[name] == 0


def test_names_and_networks_that_are_trusted_may_lead_inside(
    resolver: ResolverProcess, names: NameServer
) -> None:
    names.set("inner.example.com", "10.9.9.9")
    names.set("near.example.com", "127.0.0.2")

    assert resolver.addresses("inner.example.com") == {"10.9.9.9"}
    assert resolver.addresses("near.example.com") == {"127.0.0.2"}


def test_answer_is_kept_for_a_minute_at_most(resolver: ResolverProcess, names: NameServer) -> None:
    names.set("kept.example.com", PUBLIC)

    answers = [resolver.ask("kept.example.com") for _ in range(5)]

    assert all(0 < answer.answer[0].ttl <= 60 for answer in answers)
    assert names.asked["kept.example.com"] == 2  # one question for each family


def test_name_that_changes_at_once_is_followed_after_a_second(
    resolver: ResolverProcess, names: NameServer
) -> None:
    names.ttl_s = 0
    names.set("rebind.example.com", PUBLIC)
    try:
        assert resolver.addresses("rebind.example.com") == {PUBLIC}
        names.set("rebind.example.com", "127.0.0.1")
        deadline = time.monotonic() + 10
        while resolver.addresses("rebind.example.com") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert resolver.addresses("rebind.example.com") == set()
    finally:
        names.ttl_s = 300


def test_names_that_do_not_exist_and_servers_at_fault_are_told_apart(
    resolver: ResolverProcess, names: NameServer
) -> None:
    names.broken.add("broken.example.com")
    names.set("empty.example.com")

    assert resolver.ask("missing.example.com").rcode() == dns.rcode.NXDOMAIN
    assert resolver.ask("broken.example.com").rcode() == dns.rcode.SERVFAIL
    empty = resolver.ask("empty.example.com")
    assert (empty.rcode(), empty.answer, empty.options) == (dns.rcode.NOERROR, [], ())


def test_silent_server_costs_a_bounded_time(resolver: ResolverProcess, names: NameServer) -> None:
    names.silent.add("silent.example.com")

    assert resolver.ask("silent.example.com").rcode() == dns.rcode.SERVFAIL


def test_other_questions_are_not_answered(resolver: ResolverProcess, names: NameServer) -> None:
    names.set("typed.example.com", PUBLIC)

    for rdtype in ("TXT", "MX", "ANY", "HTTPS"):
        assert resolver.ask("typed.example.com", rdtype).rcode() == dns.rcode.NOTIMP
    assert resolver.ask("typed.example.com", "A", rdclass="CH").rcode() == dns.rcode.REFUSED
    assert names.asked["typed.example.com"] == 0
    query = dns.message.make_query("typed.example.com", "A")
    query.set_opcode(dns.opcode.NOTIFY)
    answer = dns.query.udp(query, LOOPBACK, timeout=5, port=resolver.server.port)
    assert answer.rcode() == dns.rcode.NOTIMP


def test_what_is_no_question_gets_no_answer(resolver: ResolverProcess) -> None:
    before = resolver.counts().get("malformed", 0)
    response = dns.message.make_query("good.example.com", "A")
    response.flags |= dns.flags.QR
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(0.3)
        for data in (b"", b"x", b"\xff" * 600, response.to_wire()):
            connection.sendto(data, resolver.server)
        with pytest.raises(TimeoutError):
            connection.recv(512)

    assert resolver.counts()["malformed"] == before + 4


def test_questions_come_over_tcp_too(resolver: ResolverProcess, names: NameServer) -> None:
    names.set("stream.example.com", *(f"93.184.216.{number}" for number in range(40)))

    query = dns.message.make_query("stream.example.com", "A")
    answer = dns.query.tcp(query, LOOPBACK, timeout=5, port=resolver.server.port)

    assert len(answer.answer[0]) == 16  # a proxy needs one; all fit a datagram
    assert len(resolver.addresses("stream.example.com")) == 16


def test_many_who_ask_at_once_cost_one_lookup(resolver: ResolverProcess, names: NameServer) -> None:
    names.set("busy.example.com", PUBLIC)
    wire = dns.message.make_query("busy.example.com", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(5)
        for _ in range(200):
            connection.sendto(wire, resolver.server)
        answers = [dns.message.from_wire(connection.recv(2048)) for _ in range(200)]

    assert {answer.answer[0][0].address for answer in answers} == {PUBLIC}
    assert names.asked["busy.example.com"] == 2


def test_it_counts_what_it_does(resolver: ResolverProcess, names: NameServer) -> None:
    before = resolver.counts()
    names.set("counted.example.com", "10.0.0.1")

    resolver.addresses("counted.example.com")

    after = resolver.counts()
    assert after["lookups_refused"] == before.get("lookups_refused", 0) + 1
    assert after["answered"] >= before["answered"] + 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"GATEWAY_RESOLVER_BIND": "8.8.8.8:53"}, "loopback or private"),
        ({"GATEWAY_RESOLVER_BIND": "0.0.0.0:53"}, "loopback or private"),
        ({"GATEWAY_RESOLVER_BIND": "localhost:53"}, "ip:port"),
        ({"GATEWAY_RESOLVER_UPSTREAMS": "127.0.0.1:8053"}, "the resolver itself"),
        ({"GATEWAY_RESOLVER_UPSTREAMS": "dns.example.com"}, "ip:port"),
        ({"OUTGOING_REFUSED_NETWORKS": "10/33"}, "OUTGOING_REFUSED_NETWORKS"),
        (
            {"GATEWAY_RESOLVER_TRUSTED_NETWORKS": "127.0.0.1", "ENVIRONMENT": "production"},
            "must be empty in production",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value.values()),
)
def test_it_refuses_to_start_with_settings_that_would_do_harm(
    settings: dict[str, str], words: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "apps.gateway.resolver"],
        env={**os.environ, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert ended.returncode == 1
    assert words in ended.stderr


def test_servers_of_the_machine_are_read_without_the_resolver_itself(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# x\nnameserver 127.0.0.1\nsearch example.com\nnameserver 9.9.9.9\nnameserver\n"
    )

    assert system_servers(Server("127.0.0.1", 53), path) == (Server("9.9.9.9", 53),)
    assert system_servers(Server("127.0.0.1", 53), tmp_path / "none") == ()


def test_it_ends_on_sigterm(folder: Path, names: NameServer) -> None:
    process = ResolverProcess(folder, names.text)
    process.start()

    assert process.stop() == 0
