"""Private APIs: who is let in, who learns what, and what follows for subscriptions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis import provider_selectors, selectors, services
from apps.apis.exceptions import AlreadyInvited, InvitationInvalid
from apps.apis.models import Api, ApiAccess
from apps.core import mail as core_mail
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, NotFound, RuleViolated
from apps.core.models import AuditEvent, OutboxMessage
from tests.factories.accounts import actor_of, make_member
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Membership:
    return make_member("developer")


@pytest.fixture
def api(provider: Membership) -> Api:
    return make_api("active", provider.organization, visibility="private", name="Inner")


@pytest.fixture
def guest() -> Membership:
    return make_member("owner")


def sees(member: Membership, api: Api) -> bool:
    try:
        selectors.get_readable_api(actor_of(member), api.slug)
    except NotFound:
        return False
    return True


def let_in(api: Api, guest: Membership, provider: Membership) -> ApiAccess:
    return services.grant_access(
        api=api, organization_id=guest.organization.public_id, actor=actor_of(provider)
    )


def test_an_organization_that_was_let_in_sees_the_api_until_it_is_removed(
    api: Api, guest: Membership, provider: Membership
) -> None:
    assert not sees(guest, api)
    access = let_in(api, guest, provider)
    assert sees(guest, api)
    assert not sees(make_member("owner"), api)

    services.remove_access(access=access, actor=actor_of(provider))

    assert not sees(guest, api)
    assert not provider_selectors.may_use(api, guest.organization_id)
    assert {event.action for event in AuditEvent.objects.filter(target_id=api.pk)} >= {
        "apis:access:granted",
        "apis:access:removed",
    }


def test_access_shows_neither_drafts_nor_the_catalogue_entry(
    provider: Membership, guest: Membership
) -> None:
    draft = make_api("draft", provider.organization, visibility="private")
    live = make_api("active", provider.organization, visibility="private")
    for api in (draft, live):
        let_in(api, guest, provider)

    assert not sees(guest, draft)
    assert live not in Api.objects.listed()


def test_letting_in_twice_is_refused_and_again_after_removal_works(
    api: Api, guest: Membership, provider: Membership
) -> None:
    access = let_in(api, guest, provider)
    with pytest.raises(AlreadyInvited):
        let_in(api, guest, provider)
    services.remove_access(access=access, actor=actor_of(provider))
    with pytest.raises(NotFound):
        services.remove_access(access=access, actor=actor_of(provider))

    let_in(api, guest, provider)

    assert sees(guest, api)
    assert ApiAccess.objects.count() == 1


@pytest.mark.parametrize("wrong", ["", "org_0", "api_00000000000000000000000000", "own"])
def test_ids_that_name_no_other_organization_are_refused(
    api: Api, provider: Membership, wrong: str
) -> None:
    given = provider.organization.public_id if wrong == "own" else wrong

    with pytest.raises(InvalidInput) as refusal:
        services.grant_access(api=api, organization_id=given, actor=actor_of(provider))

    assert refusal.value.field == "organization_id"


def invitation_to(api: Api, email: str) -> str:
    services.invite_by_mail(api=api, email=email, actor=Actor.system("test"))
    payload = OutboxMessage.objects.filter(topic="core.mail").latest("created_at").payload
    core_mail.deliver_mail(payload)
    found = re.search(r"/console/invited/(\S+)/", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def test_an_invitation_is_accepted_for_the_organization_that_the_person_works_in(
    api: Api, guest: Membership, client_for: Callable[..., Client]
) -> None:
    token = invitation_to(api, guest.user.email.upper())
    browser = client_for(guest)

    page = browser.get(f"/console/invited/{token}/").content.decode()
    assert "Inner" in page
    assert guest.organization.name in page
    assert not sees(guest, api)
    browser.post(f"/console/invited/{token}/")
    browser.post(f"/console/invited/{token}/")

    assert sees(guest, api)
    assert ApiAccess.objects.count() == 1


def test_an_invitation_is_for_the_invited_address_only(
    api: Api, guest: Membership, client_for: Callable[..., Client]
) -> None:
    token = invitation_to(api, guest.user.email)
    other = make_member("owner")

    client_for(other).post(f"/console/invited/{token}/")

    assert not sees(other, api)
    assert client_for(guest).get(f"/console/invited/{token}x/").status_code == 422


def test_an_old_invitation_does_not_undo_a_removal(
    api: Api, guest: Membership, provider: Membership
) -> None:
    found = services.read_invitation(invitation_to(api, guest.user.email))
    actor = actor_of(guest)
    access = services.accept_access(invitation=found, user=guest.user, actor=actor)
    services.remove_access(access=access, actor=actor_of(provider))

    with pytest.raises(InvitationInvalid):
        services.accept_access(invitation=found, user=guest.user, actor=actor)

    assert not sees(guest, api)


def test_the_answer_does_not_say_whether_an_address_is_known(
    api: Api,
    provider: Membership,
    guest: Membership,
    api_client: Callable[..., APIClient],
) -> None:
    client = api_client(provider)
    url = f"/api/v1/provider/apis/{api.public_id}/access"

    known = client.post(f"{url}/invitations", {"email": guest.user.email})
    unknown = client.post(f"{url}/invitations", {"email": "nobody@example.com"})

    assert (known.status_code, unknown.status_code) == (202, 202)
    assert set(known.json()) == set(unknown.json()) == {"email"}
    assert client.get(url).json()["data"] == []
    assert OutboxMessage.objects.filter(topic="core.mail").count() == 2
    assert guest.user.email not in str(list(AuditEvent.objects.values()))


def test_invitations_are_limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.accounts.guests.MAX_MAILS_A_DAY", 1)
    invitation_to(api, "one@example.com")

    with pytest.raises(RuleViolated):
        services.invite_by_mail(api=api, email="two@example.com", actor=Actor.system("test"))


def test_rest_lets_in_lists_and_removes(
    api: Api, guest: Membership, provider: Membership, api_client: Callable[..., APIClient]
) -> None:
    client = api_client(provider)
    url = f"/api/v1/provider/apis/{api.public_id}/access"
    body = {"organization_id": guest.organization.public_id}

    made = client.post(url, body)
    again = client.post(url, body)
    listed = client.get(url).json()["data"]
    wrong = client.post(url, {"organization_id": "org_nothing"})
    removed = client.delete(f"{url}/{made.json()['id']}")

    assert (made.status_code, again.status_code, removed.status_code) == (201, 409, 204)
    assert [row["organization"] for row in listed] == [guest.organization.name]
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/organization_id")
    assert client.get(url).json()["data"] == []


def test_access_of_another_tenants_api_does_not_exist(
    api: Api, guest: Membership, api_client: Callable[..., Any]
) -> None:
    client = api_client(guest)
    url = f"/api/v1/provider/apis/{api.public_id}/access"

    assert client.get(url).status_code == 404
    assert client.post(f"{url}/invitations", {"email": "a@example.com"}).status_code == 404
