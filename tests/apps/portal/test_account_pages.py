"""Account pages: each renders in our frame, and two-step sign-in works with its own words."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User

pytestmark = pytest.mark.django_db

ENTRANCE = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
]
MANAGE = [
    "account_email",
    "account_change_password",
    "mfa_index",
    "mfa_list_webauthn",
    "usersessions_list",
    "socialaccount_connections",
]


@pytest.fixture
def member() -> User:
    return User.objects.create_user(email="acme@example.com", password="a long enough password")


@pytest.mark.parametrize("language", ["en", "es", "fr", "hi"])
@pytest.mark.parametrize("name", ENTRANCE)
def test_entrance_page_renders_in_every_language(client: Client, name: str, language: str) -> None:
    client.cookies["language"] = language
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.content.decode()
    assert "layouts/auth.html" in [template.name for template in answer.templates]


@pytest.mark.parametrize("name", MANAGE)
def test_manage_page_renders_in_the_console(client: Client, member: User, name: str) -> None:
    client.force_login(member)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert "layouts/console.html" in [template.name for template in answer.templates]
    assert answer.content.decode().count("<h1") == 1


def test_wrong_password_is_said_and_tied_to_the_form(client: Client, member: User) -> None:
    answer = client.post(reverse("account_login"), {"login": member.email, "password": "wrong"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'class="form-errors" role="alert"' in text


def test_missing_address_is_marked_at_its_field(client: Client) -> None:
    text = client.post(reverse("account_login"), {"password": "x"}).content.decode()
    assert 'aria-invalid="true"' in text
    assert 'aria-describedby="id_login_error"' in text
    assert '<div id="id_login_error">' in text


def test_unknown_page_is_ours_and_404(client: Client) -> None:
    answer = client.get("/there/is/no/such/page/")
    assert answer.status_code == 404
    assert "layouts/public.html" in [template.name for template in answer.templates]
