"""Sign-up, login, tokens and second factors, as people and programs use them."""

from __future__ import annotations

import re
import time
from typing import Any

import jwt
import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Organization, ServiceToken, User
from apps.accounts.services import create_service_token
from apps.core import clock, relay
from apps.core.mail import WRITTEN_MAIL_TOPIC
from apps.core.models import OutboxMessage
from apps.core.relay import drain_until_empty
from tests.clients import client_for
from tests.factories.accounts import PASSWORD, UserFactory, actor_of, make_member

pytestmark = pytest.mark.django_db

APP = "/_allauth/app/v1"


@pytest.fixture(autouse=True)
def no_rate_limits_from_before() -> None:
    cache.clear()


def post(path: str, body: dict[str, Any], **headers: str) -> Any:
    return Client().post(path, body, content_type="application/json", headers=headers)


def log_in(user: User) -> dict[str, str]:
    response = post(f"{APP}/auth/login", {"email": user.email, "password": PASSWORD})
    assert response.status_code == 200, response.text
    meta: dict[str, str] = response.json()["meta"]
    return meta


def whoami(token: str, **headers: str) -> Any:
    client = APIClient(headers={"authorization": f"Bearer {token}", **headers})
    return client.get("/api/v1/auth/whoami")


# --- in the browser -----------------------------------------------------------------------------


def sign_up(client: Client, email: str, organization: str = "Acme") -> Any:
    return client.post(
        "/accounts/signup/",
        {
            "name": "A Person",
            "organization_name": organization,
            "email": email,
            "password1": PASSWORD,
            "password2": PASSWORD,
        },
    )


def test_sign_up_makes_an_organization_and_opens_after_verification() -> None:
    client = Client()

    sign_up(client, "Acme@Example.com")
    before = client.get("/console/organization/")
    drain_until_empty()
    (message,) = mail.outbox
    found = re.search(r"https?://\S+/accounts/confirm-email/\S+", str(message.body))
    assert found
    confirmed = client.post(found.group().rstrip("."))
    login = client.post("/accounts/login/", {"login": "acme@example.com", "password": PASSWORD})

    user = User.objects.get(email="acme@example.com")
    assert (user.name, user.memberships.get().role) == ("A Person", "owner")
    assert before.status_code == 302
    assert (confirmed.status_code, login.status_code) == (302, 302)
    assert client.get("/console/organization/").status_code == 200
    assert settings.MARKETPLACE_NAME in f"{message.body}{message.subject}"
    assert "example.com" not in message.subject


def test_sign_up_without_organization_leads_to_the_page_that_makes_one() -> None:
    user = UserFactory()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    first = client.get("/console/organization/")
    made = client.post("/console/organization/new/", {"name": "Second try", "country": "DE"})

    assert first["Location"] == "/console/organization/new/"
    assert made["Location"] == "/console/organization/"
    assert Organization.objects.get().memberships.get().user == user


def test_sign_up_with_a_known_address_tells_nobody() -> None:
    UserFactory(email="acme@example.com")

    response = sign_up(Client(), "acme@example.com", "Other")

    assert response.status_code == 302
    assert not Organization.objects.exists()
    assert User.objects.count() == 1


def test_password_reset_mails_a_link_and_changes_the_password() -> None:
    user, client = UserFactory(), Client()

    client.post("/accounts/password/reset/", {"email": user.email})
    drain_until_empty()
    (message,) = mail.outbox
    found = re.search(r"https?://\S+/accounts/password/reset/key/\S+", str(message.body))
    assert found
    form = client.get(found.group(), follow=True)
    client.post(
        form.redirect_chain[-1][0],
        {"password1": "another long passphrase", "password2": "another long passphrase"},
    )

    user.refresh_from_db()
    assert user.check_password("another long passphrase")


def test_mails_of_the_account_wait_in_the_outbox_without_their_link_in_plain_sight() -> None:
    user = UserFactory()

    Client().post("/accounts/password/reset/", {"email": user.email})

    assert mail.outbox == []
    queued = OutboxMessage.objects.get(topic=WRITTEN_MAIL_TOPIC)
    assert queued.payload["to"] == [user.email]
    assert "password/reset" not in str(queued.payload)


def test_a_mail_server_that_is_away_fails_no_page_and_the_mail_comes_later(settings: Any) -> None:
    user = UserFactory()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    answer = Client().post("/accounts/password/reset/", {"email": user.email})
    relay.drain()
    tried = OutboxMessage.objects.get(topic=WRITTEN_MAIL_TOPIC)

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    OutboxMessage.objects.update(available_at=clock.now())
    relay.drain()

    assert answer.status_code == 302
    assert (tried.attempts, bool(tried.last_error)) == (1, True)
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_login_is_refused_to_wrong_passwords_unverified_and_inactive_people() -> None:
    inactive, unverified, person = UserFactory(is_active=False), UserFactory(), UserFactory()
    unverified.emailaddress_set.update(verified=False)

    for user, password in ((inactive, PASSWORD), (unverified, PASSWORD), (person, "wrong")):
        client = Client()
        client.post("/accounts/login/", {"login": user.email, "password": password})
        assert client.get("/console/account/").status_code == 302


def test_second_factor_is_asked_for_at_login() -> None:
    member, client = make_member("owner"), Client()
    secret = generate_totp_secret()
    TOTP.activate(member.user, secret)

    client.post("/accounts/login/", {"login": member.user.email, "password": PASSWORD})
    halfway = client.get("/console/organization/")
    counter = next(yield_hotp_counters_from_time())
    client.post(
        "/accounts/2fa/authenticate/", {"code": format_hotp_value(hotp_value(secret, counter))}
    )

    assert halfway.status_code == 302
    assert client.get("/console/organization/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/accounts/2fa/", "/accounts/sessions/", "/accounts/password/change/", "/accounts/email/"],
)
def test_security_pages_open(path: str) -> None:
    client = Client()
    client.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")

    response = client.get(path, follow=True)

    assert response.status_code == 200


# --- for programs -------------------------------------------------------------------------------


def test_login_gives_tokens_that_carry_the_tenant() -> None:
    member = make_member("developer")

    meta = log_in(member.user)

    claims = jwt.decode(meta["access_token"], options={"verify_signature": False})
    assert claims["org_id"] == member.organization.public_id
    assert claims["workspace_id"] == member.organization.workspaces.get().public_id
    body = whoami(meta["access_token"]).json()
    assert (body["kind"], body["organization_id"]) == ("user", member.organization.public_id)
    assert "keys.manage" in body["permissions"]
    assert "billing.read" not in body["permissions"]


def test_refresh_gives_new_tokens_and_uses_the_old_one_up() -> None:
    meta = log_in(make_member("viewer").user)

    refreshed = post(f"{APP}/tokens/refresh", {"refresh_token": meta["refresh_token"]})
    again = post(f"{APP}/tokens/refresh", {"refresh_token": meta["refresh_token"]})

    tokens = refreshed.json()["data"]
    assert tokens["access_token"] != meta["access_token"]
    assert whoami(tokens["access_token"]).status_code == 200
    assert again.status_code == 400


def test_logout_revokes_access_and_refresh_tokens() -> None:
    meta = log_in(make_member("viewer").user)

    Client().delete(
        f"{APP}/auth/session", headers={"authorization": f"Bearer {meta['access_token']}"}
    )

    assert whoami(meta["access_token"]).status_code == 401
    refresh = post(f"{APP}/tokens/refresh", {"refresh_token": meta["refresh_token"]})
    assert refresh.status_code == 400


def test_forged_expired_and_foreign_tokens_are_refused() -> None:
    meta = log_in(make_member("owner").user)
    claims = jwt.decode(meta["access_token"], options={"verify_signature": False})
    past = {**claims, "exp": int(time.time()) - 1}
    tokens = [
        jwt.encode(past, settings.SECRET_KEY, algorithm="HS256"),
        jwt.encode(claims, "another-secret-that-is-long-enough-for-hs256", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        meta["refresh_token"],
        "not.a.token",
    ]

    answers = [whoami(token) for token in tokens]

    assert [answer.status_code for answer in answers] == [401] * len(tokens)
    assert {answer.json()["code"] for answer in answers} == {"invalid_token"}
    assert all(answer["WWW-Authenticate"].startswith("Bearer") for answer in answers)


def test_token_of_a_deactivated_person_is_refused() -> None:
    member = make_member("owner")
    meta = log_in(member.user)
    User.objects.filter(pk=member.user_id).update(is_active=False)

    assert whoami(meta["access_token"]).status_code == 401


def test_organization_header_chooses_among_own_organizations_only() -> None:
    member, other = make_member("owner"), make_member("owner")
    second = make_member("viewer").organization
    second.memberships.create(user=member.user, role="viewer")
    token = log_in(member.user)["access_token"]

    chosen = whoami(token, **{"x-organization-id": second.public_id})
    foreign = whoami(token, **{"x-organization-id": other.organization.public_id})
    malformed = whoami(token, **{"x-organization-id": "org_nonsense"})

    assert chosen.json()["organization_id"] == second.public_id
    assert "keys.manage" not in chosen.json()["permissions"]
    assert [foreign.status_code, malformed.status_code] == [403, 403]
    assert foreign.json()["code"] == "not_a_member"


def test_token_of_a_lost_membership_never_lands_in_another_organization() -> None:
    member = make_member("owner")
    token = log_in(member.user)["access_token"]
    member.delete()
    make_member("owner").organization.memberships.create(user=member.user, role="owner")

    assert whoami(token).status_code == 401


def altered(token: str, drop: str = "", **claims: Any) -> str:
    """Return the token with other claims, signed with our own key."""
    held = jwt.decode(token, options={"verify_signature": False})
    held.pop(drop, None)
    return jwt.encode({**held, **claims}, settings.SECRET_KEY, algorithm="HS256")


def test_tokens_that_lack_their_tenant_are_refused() -> None:
    member, other = make_member("owner"), make_member("owner")
    token = log_in(member.user)["access_token"]
    foreign = other.organization.workspaces.get().public_id

    assert whoami(altered(token)).status_code == 200
    answers = [
        whoami(wrong)
        for wrong in (
            altered(token, drop="org_id"),
            altered(token, drop="workspace_id"),
            altered(token, org_id=None),
            altered(token, workspace_id=None),
            altered(token, org_id="org_nonsense"),
            altered(token, org_id=7),
            altered(token, workspace_id="nonsense"),
            altered(token, workspace_id=foreign),
            altered(token, org_id=other.organization.public_id),
            altered(token, org_id=other.organization.public_id, workspace_id=foreign),
        )
    ]

    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert {answer.json()["code"] for answer in answers} == {"invalid_token"}


def test_token_of_a_person_without_an_organization_holds_until_they_have_one() -> None:
    user = UserFactory()
    token = log_in(user)["access_token"]
    assert whoami(token).json()["organization_id"] is None

    organization = make_member("owner").organization
    organization.memberships.create(user=user, role="viewer")
    assert whoami(token).status_code == 401
    header = {"x-organization-id": organization.public_id}
    assert whoami(token, **header).json()["organization_id"] == organization.public_id


def test_service_token_of_another_organizations_workspace_is_refused() -> None:
    member, other = make_member("owner"), make_member("owner")
    issued = create_service_token(
        organization=member.organization,
        name="ci",
        permissions=frozenset({"keys.read"}),
        actor=actor_of(member),
    )
    headers = {"Authorization": f"Bearer {issued.secret}"}
    assert Client().get("/api/v1/keys", headers=headers).status_code == 200

    rows = ServiceToken.objects.filter(pk=issued.token.pk)
    for workspace in (other.organization.workspaces.get(), None):
        rows.update(workspace=workspace)
        assert Client().get("/api/v1/keys", headers=headers).status_code == 401


def test_session_in_use_is_noted_once_a_minute() -> None:
    member = make_member("owner")
    client = client_for(member)
    client.get("/console/account/")
    seen_at = UserSession.objects.get(user=member.user).last_seen_at

    client.get("/console/account/")
    assert UserSession.objects.get(user=member.user).last_seen_at == seen_at
    cache.clear()
    client.get("/console/account/")

    assert UserSession.objects.get(user=member.user).last_seen_at > seen_at
