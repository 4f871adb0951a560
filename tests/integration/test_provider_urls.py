"""Every address that a provider may give us, against everything that leads inside: refused by its field, nothing stored."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis.models import Api, ApiLogo, ApiVersion, OpenapiImport
from apps.core import addresses
from apps.core.models import AuditEvent
from apps.notifications.models import WebhookEndpoint
from tests.factories.apis import ApiFactory, CategoryFactory
from tests.factories.notifications import WebhookEndpointFactory

pytestmark = pytest.mark.django_db

APIS: Final = "/api/v1/provider/apis"
HOOKS: Final = "/api/v1/webhook-endpoints"

UNSAFE: Final = {
    "loopback": "https://127.0.0.1/x",
    "another loopback": "https://127.8.8.8/x",
    "this host": "https://0.0.0.0/x",
    "private 10": "https://10.0.0.5/x",
    "private 172": "https://172.20.0.5/x",
    "private 192": "https://192.168.1.1/x",
    "link-local": "https://169.254.1.1/x",
    "metadata": "https://169.254.169.254/latest",
    "metadata by name": "https://metadata.google.internal/x",
    "shared (CGNAT)": "https://100.64.0.1/x",
    "a public address": "https://8.8.8.8/x",
    "loopback v6": "https://[::1]/x",
    "IPv4-mapped": "https://[::ffff:127.0.0.1]/x",
    "NAT64": "https://[64:ff9b::7f00:1]/x",
    "unique local v6": "https://[fd00:ec2::254]/x",
    "link-local v6 with a zone": "https://[fe80::1%25eth0]/x",
    "hexadecimal": "https://0x7f.1/x",
    "one hexadecimal number": "https://0x7f000001/x",
    "one decimal number": "https://2130706433/x",
    "octal": "https://0177.0.0.1/x",
    "short": "https://127.1/x",
    "address with a dot behind": "https://127.0.0.1./x",
    "name with a dot behind": "https://localhost./x",
    "full-width digits": "https://１２７.0.0.1/x",
    "ideographic dots": "https://127。0。0。1/x",
    "circled letters": "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/x",
    "encoded host": "https://%31%32%37.0.0.1/x",
    "user": "https://public.example.com@127.0.0.1/x",
    "user and password": "https://a:b@weather.example.com/x",
    "backslash": "https://weather.example.com\\@127.0.0.1/x",
    "white space": "https://weather.example.com\t.evil.example/x",
    "another port": "https://weather.example.com:6379/x",
    "no port number": "https://weather.example.com:99999/x",
    "localhost": "https://localhost/x",
    "without a dot": "https://db/x",
    "inner suffix": "https://printer.local/x",
    "from the hosts file": "https://db.corp.example.com/x",
    "another scheme": "file:///etc/passwd",
    "gopher": "gopher://weather.example.com/x",
    "no host": "https:///x",
}


@pytest.fixture(autouse=True)
def hosts_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """A hosts file with a name that looks public; nothing is trusted."""
    settings.OUTGOING_TRUSTED_HOSTS = frozenset()
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n10.0.0.5 DB.corp.example.com db\n")
    monkeypatch.setattr(addresses, "HOSTS_FILE", path)


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("admin")


@pytest.fixture
def client(member: Membership, api_client: Callable[..., APIClient]) -> APIClient:
    return api_client(member)


Give = Callable[[APIClient, Membership, str], tuple[Any, str]]


def new_upstream(client: APIClient, member: Membership, url: str) -> tuple[Any, str]:
    category = CategoryFactory().slug
    body = {"name": "Weather", "category": category, "upstream_url": url}
    return client.post(APIS, body), "/upstream_url"


def changed_upstream(client: APIClient, member: Membership, url: str) -> tuple[Any, str]:
    api = ApiFactory(organization=member.organization)
    answer = client.patch(f"{APIS}/{api.public_id}", {"upstream_url": url})
    assert Api.objects.get(pk=api.pk).upstream_url == api.upstream_url
    return answer, "/upstream_url"


def document(client: APIClient, member: Membership, url: str) -> tuple[Any, str]:
    api = ApiFactory(organization=member.organization)
    return client.post(f"{APIS}/{api.public_id}/openapi", {"url": url}), "/url"


def logo(client: APIClient, member: Membership, url: str) -> tuple[Any, str]:
    api = ApiFactory(organization=member.organization)
    return client.put(f"{APIS}/{api.public_id}/logo", {"url": url}), "/url"


def new_webhook(client: APIClient, member: Membership, url: str) -> tuple[Any, str]:
    return client.post(HOOKS, {"url": url}), "/url"


def changed_webhook(client: APIClient, member: Membership, url: str) -> tuple[Any, str]:
    endpoint = WebhookEndpointFactory(organization=member.organization)
    answer = client.patch(f"{HOOKS}/{endpoint.public_id}", {"url": url})
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).url == endpoint.url
    return answer, "/url"


@pytest.mark.parametrize("url", UNSAFE.values(), ids=UNSAFE.keys())
@pytest.mark.parametrize(
    "give", [new_upstream, changed_upstream, document, logo, new_webhook, changed_webhook]
)
def test_address_that_leads_inside_is_refused_by_its_field_and_nothing_is_stored(
    client: APIClient, member: Membership, give: Give, url: str
) -> None:
    answer, pointer = give(client, member, url)

    assert answer.status_code in {400, 422}, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert answer.json()["errors"][0]["detail"]
    assert not Api.objects.filter(upstream_url=url).exists()
    assert not WebhookEndpoint.objects.filter(url=url).exists()
    for model in (ApiLogo, ApiVersion, OpenapiImport):
        assert not model.objects.exists()
    assert not AuditEvent.objects.filter(after__icontains=url).exists()


@pytest.mark.parametrize("give", [new_upstream, changed_upstream, new_webhook, changed_webhook])
@pytest.mark.parametrize("found", ["127.0.0.1", "169.254.169.254", "10.1.2.3"])
def test_name_that_resolves_to_an_inner_address_is_refused_when_it_is_saved(
    client: APIClient,
    member: Membership,
    give: Give,
    found: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The internet's answer is played: one address is public, the other one is not."""
    rows = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", found)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: rows)

    answer, pointer = give(client, member, "https://weather.example.com/inside")

    assert answer.status_code in {400, 422}, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Api.objects.filter(upstream_url__contains="inside").exists()
    assert not WebhookEndpoint.objects.filter(url__contains="inside").exists()
