"""Providers' own domains through a real Caddy: by host instead of by path, and certificates for known domains only."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from apps.gateway.caddy_config import render_text
from apps.gateway.caddy_settings import gateway_config_from_environment
from apps.gateway.environment import SettingError
from deploy.local.binaries import find_binaries
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    make_consumer,
    make_route,
    running,
    wait_for,
)
from tests.apps.gateway.dataplane.test_caddy import wait_for_line

DOMAIN = "api.customer.example"
OWN = ("gateway.example", LOOPBACK)


@pytest.fixture(scope="module")
def consumer(registry: Registry, authorizer: AuthorizerProcess, upstream_port: int) -> Consumer:
    registry.apply(
        make_route("owned", upstream_port, hosts=(DOMAIN,), cors_origins=("https://app.example",))
    )
    consumer = make_consumer("owned", quota=1000)
    registry.admit(consumer)
    return consumer


@pytest.fixture(scope="module")
def caddy(
    tmp_path_factory: pytest.TempPathFactory, authorizer: AuthorizerProcess
) -> Iterator[CaddyProcess]:
    folder = tmp_path_factory.mktemp("domains")
    with running(CaddyProcess(folder, f"{LOOPBACK}:{authorizer.port}", own_hosts=OWN)) as process:
        yield process


def call(caddy: CaddyProcess, host: str, path: str, **headers: str) -> httpx.Response:
    sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.get(f"{caddy.url}{path}", headers=sent, trust_env=False)


@pytest.mark.parametrize("host", [DOMAIN, "API.Customer.Example", f"{DOMAIN}:8443", f"{DOMAIN}."])
def test_call_for_a_domain_goes_by_it_with_its_whole_path(
    caddy: CaddyProcess, consumer: Consumer, host: str
) -> None:
    answer = call(caddy, host, "/weather/today?x=1", X_Api_Key=consumer.key)

    assert (answer.status_code, answer.json()["path"]) == (200, "/weather/today?x=1")
    line = wait_for_line(caddy, answer.headers["x-request-id"])
    assert line["subscription_id"] == consumer.sub_id


def test_own_names_go_by_the_path(caddy: CaddyProcess, consumer: Consumer) -> None:
    answer = call(caddy, "gateway.example", "/owned/today", X_Api_Key=consumer.key)

    assert (answer.status_code, answer.json()["path"]) == (200, "/today")


@pytest.mark.parametrize(
    "host", ["other.example", "owned", "weather", "@owned", "customer.example"]
)
def test_unknown_hosts_are_no_api(caddy: CaddyProcess, consumer: Consumer, host: str) -> None:
    answer = call(caddy, host, "/owned/today", X_Api_Key=consumer.key)

    assert answer.status_code in {400, 404}
    assert answer.status_code == 400 or answer.json()["code"] == "api_not_found"


def test_key_of_another_api_does_not_open_a_domain(
    caddy: CaddyProcess, registry: Registry, consumer: Consumer
) -> None:
    other = make_consumer()
    registry.admit(other)

    assert (
        call(caddy, DOMAIN, "/x", X_Api_Key=other.key).json()["code"] == "subscription_not_for_api"
    )
    assert call(caddy, DOMAIN, "/x").json()["code"] == "credential_missing"


def test_client_cannot_name_the_api_itself(caddy: CaddyProcess, consumer: Consumer) -> None:
    answer = call(caddy, "other.example", "/x", X_Tollgate_Slug="owned", X_Api_Key=consumer.key)

    assert answer.status_code == 404


def test_preflight_of_a_domain_is_answered(caddy: CaddyProcess, consumer: Consumer) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}

    answer = httpx.options(f"{caddy.url}/x", headers={"Host": DOMAIN, **asked}, trust_env=False)

    assert answer.headers["access-control-allow-origin"] == "https://app.example"


def test_domain_follows_its_route(
    caddy: CaddyProcess, registry: Registry, upstream_port: int, authorizer: AuthorizerProcess
) -> None:
    def ask(domain: str) -> int:
        return authorizer.client.get(f"/ask?domain={domain}").status_code

    registry.apply(make_route("mover", upstream_port, hosts=("one.example", "two.example")))
    wait_for(lambda: ask("one.example") == 200, what="a new domain")
    registry.apply(make_route("mover", upstream_port, hosts=("two.example",)))
    wait_for(lambda: ask("one.example") == 404, what="a domain that is gone")

    assert [ask(name) for name in ("two.example", "TWO.example.", "", "mover", "@two.example")] == [
        200,
        200,
        404,
        404,
        404,
    ]


def test_certificates_are_made_for_known_domains_only(
    tmp_path: Path, authorizer: AuthorizerProcess, consumer: Consumer
) -> None:
    process = CaddyProcess(
        tmp_path,
        f"{LOOPBACK}:{authorizer.port}",
        own_hosts=("gateway.example",),
        tls="internal",
        ask=f"{LOOPBACK}:{authorizer.port}",
    )
    # It speaks TLS only, so plain HTTP gets an answer that is no call's.
    with running(process):
        known = shake_hands(process.port, DOMAIN)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake_hands(process.port, "unknown.example")
    assert known.startswith(b"-----BEGIN CERTIFICATE")


def shake_hands(port: int, name: str) -> bytes:
    """Return the certificate that a server shows for a name; nobody vouches for the local authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((LOOPBACK, port), timeout=20) as connection,
        context.wrap_socket(connection, server_hostname=name) as encrypted,
    ):
        shown = encrypted.getpeercert(binary_form=True)
        assert shown is not None
        return ssl.DER_cert_to_PEM_cert(shown).encode()


def test_caddy_accepts_certificates_on_demand(caddy: CaddyProcess, tmp_path: Path) -> None:
    config = replace(caddy.config, tls="on-demand", ask="127.0.0.1:8091", listen=(":443",))
    path = tmp_path / "caddy.json"
    path.write_text(render_text(config))

    checked = subprocess.run(
        [str(find_binaries(tmp_path, None).caddy), "validate", "--config", str(path)],
        env={"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    tls = json.loads(path.read_text())["apps"]["tls"]
    assert tls["certificates"] == {"automate": ["gateway.example"]}
    assert tls["automation"]["on_demand"]["permission"]["endpoint"] == "http://127.0.0.1:8091/ask"


ENVIRONMENT = {
    "GATEWAY_URL": "https://gateway.example",
    "GATEWAY_HOSTS": "Other.example, ",
    "GATEWAY_ADMIN_SOCKET": "/run/a.sock",
    "GATEWAY_ACCESS_LOG": "/var/log/a.log",
    "AUTHORIZER_SECRET": "a-secret-of-the-tests",
    "GATEWAY_TLS": "on-demand",
    "GATEWAY_ASK_BIND": "127.0.0.1:8091",
}


def test_settings_become_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    config = gateway_config_from_environment()

    assert config.own_hosts[:2] == ("gateway.example", "other.example")
    assert (config.tls, config.ask) == ("on-demand", "127.0.0.1:8091")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_TLS", "on"),
        ("GATEWAY_ASK_BIND", ""),
        ("GATEWAY_ASK_BIND", "unix:/run/ask.sock"),
        ("GATEWAY_ASK_BIND", "0.0.0.0:8091"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for each, text in {**ENVIRONMENT, name: value}.items():
        monkeypatch.setenv(each, text)

    with pytest.raises(SettingError, match=r"GATEWAY_TLS|AUTHORIZER_BIND"):
        gateway_config_from_environment()
