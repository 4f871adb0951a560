"""Domains of a provider's own: claimed, proven by a real name server's TXT record, and part of the route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis import services
from apps.apis.exceptions import ApiNotEditable, DomainTaken
from apps.apis.models import Api, ApiDomain
from apps.apis.tasks import check_domains
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, RuleViolated
from apps.core.models import AuditEvent
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from tests.apps.gateway.dataplane.nameserver import NameServer, serve_names
from tests.factories.accounts import OrganizationFactory, actor_of
from tests.factories.accounts import make_member as member_of
from tests.factories.apis import ApiFactory, make_api

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "api.customer-one.example"
SYSTEM = Actor.system("tests")


@pytest.fixture
def names(settings: Settings) -> Iterator[NameServer]:
    with serve_names() as server:
        settings.NAME_SERVERS = [server.text]
        yield server


def prove(names: NameServer, domain: ApiDomain) -> None:
    names.set(domain.record_name, "TXT unrelated", f"TXT {domain.record_value}")


def held_hosts(api: Api) -> list[str]:
    row = RegistryEntry.objects.get(kind=EntryKind.ROUTE, subject_id=api.pk)
    assert row.payload is not None
    return list(row.payload["hosts"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" API.Customer-One.Example. ", NAME),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_name_is_kept_in_lower_case_ascii(given: str, kept: str) -> None:
    api = make_api("active")

    assert services.add_domain(api=api, hostname=given, actor=SYSTEM).hostname == kept


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localhost",
        "nodot",
        "db.internal",
        "10.0.0.1",
        "8.8.8.8",
        "[::1]",
        "0x7f.1",
        "https://api.example.com",
        "api.example.com:443",
        "api.example.com/x",
        "*.example.com",
        "_tollgate.example.com",
        "a b.example",
        "-a.example",
        f"{'a' * 64}.example",
        f"{'a.' * 125}example",
        "gateway.tollgate.test",
        "any.gateway.tollgate.test",
    ],
)
def test_what_cannot_be_claimed_is_refused_by_its_field(name: str, settings: Settings) -> None:
    settings.GATEWAY_URL = "https://gateway.tollgate.test"

    with pytest.raises(InvalidInput) as refused:
        services.add_domain(api=make_api("active"), hostname=name, actor=SYSTEM)

    assert refused.value.field == "hostname"
    assert not ApiDomain.objects.exists()


def test_record_proves_a_domain_which_is_then_part_of_the_route(names: NameServer) -> None:
    api = make_api("active")
    actor = actor_of(member_of("developer", api.organization))
    domain = services.add_domain(api=api, hostname=NAME, actor=actor)

    missing = services.verify_domain(domain=domain, actor=actor)
    assert (missing.status, "no TXT record" in missing.last_error) == ("pending", True)
    names.set(domain.record_name, "TXT tollgate-verification=other")
    wrong = services.verify_domain(domain=domain, actor=actor)
    assert (wrong.status, "something else" in wrong.last_error) == ("pending", True)
    prove(names, domain)
    proven = services.verify_domain(domain=domain, actor=actor)

    assert (proven.status, proven.last_error) == ("verified", "")
    assert held_hosts(api) == [NAME]
    services.remove_domain(domain=proven, actor=actor)
    assert held_hosts(api) == []
    said = list(
        AuditEvent.objects.filter(action__startswith="apis:domain")
        .order_by("pk")
        .values_list("action", flat=True)
    )
    assert said == ["apis:domain:added", "apis:domain:verified", "apis:domain:removed"]


def test_silent_name_servers_are_no_proof(names: NameServer) -> None:
    domain = services.add_domain(api=make_api("active"), hostname=NAME, actor=SYSTEM)
    names.broken.add(domain.record_name)

    checked = services.verify_domain(domain=domain, actor=SYSTEM)

    assert (checked.status, bool(checked.last_error)) == ("pending", True)


def test_many_may_claim_a_name_and_one_has_it(names: NameServer) -> None:
    first, second = make_api("active"), make_api("active")
    mine = services.add_domain(api=first, hostname=NAME, actor=SYSTEM)
    theirs = services.add_domain(api=second, hostname=NAME, actor=SYSTEM)
    prove(names, mine)
    services.verify_domain(domain=mine, actor=SYSTEM)

    prove(names, theirs)
    with pytest.raises(DomainTaken):
        services.verify_domain(domain=theirs, actor=SYSTEM)
    with pytest.raises(DomainTaken):
        services.add_domain(api=make_api("active"), hostname=NAME, actor=SYSTEM)

    theirs.refresh_from_db()
    assert theirs.status == "pending"
    assert held_hosts(second) == []


def test_number_is_bounded_and_retired_apis_take_none() -> None:
    api = make_api("active")
    for number in range(5):
        services.add_domain(api=api, hostname=f"n{number}.example", actor=SYSTEM)

    with pytest.raises(RuleViolated):
        services.add_domain(api=api, hostname="n5.example", actor=SYSTEM)
    Api.objects.filter(pk=api.pk).update(status="retired")
    with pytest.raises(ApiNotEditable):
        services.add_domain(api=api, hostname="n6.example", actor=SYSTEM)


def test_job_looks_for_fresh_claims(names: NameServer) -> None:
    api = make_api("active")
    proven = services.add_domain(api=api, hostname=NAME, actor=SYSTEM)
    services.add_domain(api=api, hostname="other.example", actor=SYSTEM)
    prove(names, proven)

    assert services.check_claimed_domains(actor=SYSTEM) == {"checked": 2, "verified": 1}
    assert services.check_claimed_domains(actor=SYSTEM) == {"checked": 1, "verified": 0}
    assert check_domains is not None


@pytest.fixture
def member() -> Membership:
    return member_of("developer", OrganizationFactory())


def test_rest_from_claim_to_removal(
    api_client: Callable[..., APIClient], member: Membership, names: NameServer
) -> None:
    api, client = make_api("active", member.organization), api_client(member)
    url = f"/api/v1/provider/apis/{api.public_id}/domains/"

    made = client.post(url, {"hostname": NAME})
    body: dict[str, Any] = made.json()
    again = client.post(url, {"hostname": NAME})
    wrong = client.post(url, {"hostname": "10.0.0.1"})
    names.set(body["record_name"], f"TXT {body['record_value']}")
    verified = client.post(f"{url}{body['id']}/verify/")
    listed = client.get(url).json()["data"]
    removed = client.delete(f"{url}{body['id']}/")

    assert (made.status_code, body["status"]) == (201, "pending")
    assert (again.status_code, again.json()["code"]) == (409, "domain_taken")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/hostname")
    assert (verified.status_code, verified.json()["status"]) == (200, "verified")
    assert [row["hostname"] for row in listed] == [NAME]
    assert removed.status_code == 204
    assert client.get(url).json()["data"] == []


def test_other_tenants_domains_do_not_exist(
    api_client: Callable[..., APIClient], client_for: Callable[..., Client], member: Membership
) -> None:
    foreign = ApiFactory()
    domain = services.add_domain(api=foreign, hostname=NAME, actor=SYSTEM)
    own = ApiFactory(organization=member.organization)
    client, browser = api_client(member), client_for(member)

    for api in (foreign, own):
        url = f"/api/v1/provider/apis/{api.public_id}/domains"
        assert client.delete(f"{url}/{domain.public_id}/").status_code == 404
        assert client.post(f"{url}/{domain.public_id}/verify/").status_code == 404
        page = f"/console/provider/apis/{api.public_id}/domains/{domain.public_id}"
        assert browser.post(f"{page}/verify/").status_code == 404
        assert browser.post(f"{page}/remove/").status_code == 404
    assert client.get(f"/api/v1/provider/apis/{foreign.public_id}/domains/").status_code == 404


def test_page_from_claim_to_removal(
    client_for: Callable[..., Client], member: Membership, names: NameServer
) -> None:
    api, browser = make_api("active", member.organization), client_for(member)
    url = f"/console/provider/apis/{api.public_id}/domains/"

    wrong = browser.post(url, {"hostname": "10.0.0.1"}).content.decode()
    assert "Give a public host name" in wrong
    assert browser.post(url, {"hostname": NAME}).status_code == 302
    domain = ApiDomain.objects.get()
    page = browser.get(url).content.decode()
    assert domain.record_name in page
    assert domain.record_value in page
    missing = browser.post(f"{url}{domain.public_id}/verify/", follow=True).content.decode()
    assert "There is no TXT record" in missing
    prove(names, domain)
    found = browser.post(f"{url}{domain.public_id}/verify/", follow=True).content.decode()
    assert "is verified" in found
    browser.post(f"{url}{domain.public_id}/remove/")
    assert not ApiDomain.objects.exists()


def test_viewer_reads_and_changes_nothing(
    client_for: Callable[..., Client], member: Membership
) -> None:
    api = make_api("active", member.organization)
    viewer = client_for(member_of("viewer", member.organization))
    url = f"/console/provider/apis/{api.public_id}/domains/"

    assert "Add a domain" not in viewer.get(url).content.decode()
    viewer.post(url, {"hostname": NAME})
    assert not ApiDomain.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_list_needs_the_same_queries_for_any_length(
    api_client: Callable[..., APIClient],
    member: Membership,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    api = make_api("active", member.organization)
    for number in range(count):
        services.add_domain(api=api, hostname=f"n{number}.example", actor=SYSTEM)
    client = api_client(member)

    with django_assert_num_queries(2):
        rows = client.get(f"/api/v1/provider/apis/{api.public_id}/domains/").json()["data"]

    assert len(rows) == count
