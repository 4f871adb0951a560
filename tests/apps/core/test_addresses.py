"""What counts as public: no address that leads inside, and no host that could be read as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.core.addresses import (
    hosts_file_names,
    is_host_name,
    is_in_networks,
    is_ip_literal,
    is_private_name,
    is_public_address,
    parse_networks,
)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888", "2606:4700::1111"],
)
def test_addresses_on_the_internet_are_public(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 -- an address to refuse, nothing is bound
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_lead_inside_are_not_public(address: str) -> None:
    assert not is_public_address(address)


def test_the_operators_own_networks_are_not_public() -> None:
    own = parse_networks("8.8.4.0/24, 2606:4700::/32")

    assert not is_public_address("8.8.4.4", refused=own)
    assert not is_public_address("::ffff:8.8.4.4", refused=own)
    assert not is_public_address("2606:4700::1111", refused=own)
    assert is_public_address("8.8.8.8", refused=own)
    assert not is_in_networks(parse_networks("8.8.8.8")[0].network_address, own)


def test_networks_that_are_none_are_named() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        parse_networks("10.0.0.0/8,nonsense")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "::1",
        "a.0x7f",
        "a.9",
    ],
)
def test_addresses_are_recognised_in_every_notation(host: str) -> None:
    assert is_ip_literal(host)


@pytest.mark.parametrize("host", ["example.com", "1.2.3.4.example.com", "x.0xcafe.net", "a-1.b2"])
def test_names_are_no_addresses(host: str) -> None:
    assert is_host_name(host)
    assert not is_ip_literal(host)
    assert not is_private_name(host)


@pytest.mark.parametrize(
    "host",
    [
        "a..b",
        "a.b.",
        ".a.b",
        "-a.b",
        "a-.b",
        "a b.c",
        "%31.b",
        "a:b",
        "é.b",
        "a" * 64 + ".b",
        "a." * 127 + "com",
    ],
)
def test_texts_that_are_no_host_name(host: str) -> None:
    assert not is_host_name(host)


@pytest.mark.parametrize(
    "host",
    ["localhost", "db", "metadata.google.internal", "printer.LOCAL", "x.localhost", "x.home.arpa"],
)
def test_names_with_a_meaning_inside_only_are_private(host: str) -> None:
    assert is_private_name(host)


def test_names_of_the_hosts_file_are_known(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n10.0.0.5\tDB.Example.com  alias. # 10.0.0.6 comment\n\n")

    assert hosts_file_names(path) == {"localhost", "db.example.com", "alias"}
    assert hosts_file_names(tmp_path / "none") == frozenset()
