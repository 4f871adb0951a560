"""Theme, language and tenant switches: they post, come back, and never lead away."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership, Organization, User, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> User:
    return User.objects.create_user(email="acme@example.com", password="a long enough password")


def make_organization(user: User, slug: str) -> Organization:
    organization = Organization.objects.create(name=slug.title(), slug=slug)
    Workspace.objects.create(
        organization=organization, name="Default", slug="default", is_default=True
    )
    Membership.objects.create(organization=organization, user=user, role="owner")
    return organization


def test_theme_is_kept_in_a_cookie_and_put_on_the_page(client: Client) -> None:
    answer = client.post(reverse("portal:set_theme"), {"theme": "dark", "next": "/styleguide/"})
    assert (answer.status_code, answer["Location"]) == (302, "/styleguide/")
    assert client.cookies["theme"].value == "dark"
    assert 'data-theme="dark"' in client.get("/styleguide/").content.decode()


def test_theme_of_the_system_forgets_the_choice(client: Client) -> None:
    client.cookies["theme"] = "dark"
    client.post(reverse("portal:set_theme"), {"theme": "system"})
    assert client.cookies["theme"].value == ""
    assert "data-theme=" not in client.get("/styleguide/").content.decode()


def test_unknown_theme_in_the_cookie_is_ignored(client: Client) -> None:
    client.cookies["theme"] = '"><script>'
    assert "data-theme=" not in client.get("/styleguide/").content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:x", ""])
def test_theme_never_leads_to_another_site(client: Client, target: str) -> None:
    answer = client.post(reverse("portal:set_theme"), {"theme": "dark", "next": target})
    assert answer["Location"] == "/"


@pytest.mark.parametrize("name", ["set_theme", "set_language", "switch_tenant"])
def test_switches_only_post(client: Client, member: User, name: str) -> None:
    client.force_login(member)
    assert client.get(reverse(f"portal:{name}")).status_code == 405


def test_switches_demand_the_csrf_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(reverse("portal:set_theme"), {"theme": "dark"})
    assert answer.status_code == 403
    assert "theme" not in strict.cookies


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_language_is_kept_in_a_cookie(client: Client, member: User, *, is_signed_in: bool) -> None:
    if is_signed_in:
        client.force_login(member)
    client.post(reverse("portal:set_language"), {"language": "hi", "next": "/styleguide/"})
    assert client.cookies["language"].value == "hi"
    assert '<html lang="hi"' in client.get("/styleguide/").content.decode()


def test_member_switches_organization_and_workspace(client: Client, member: User) -> None:
    first, second = make_organization(member, "first"), make_organization(member, "second")
    other = Workspace.objects.create(organization=second, name="Staging", slug="staging")
    client.force_login(member)
    url = reverse("portal:switch_tenant")

    assert client.post(url, {"organization": second.public_id}).status_code == 302
    assert client.get("/styleguide/").context["shell"].organization == second
    assert client.post(url, {"workspace": other.public_id}).status_code == 302
    assert client.get("/styleguide/").context["shell"].workspace == other

    client.post(url, {"organization": first.public_id})
    assert client.get("/styleguide/").context["shell"].workspace == first.workspaces.get()


def test_foreign_organization_is_not_found_and_nothing_changes(
    client: Client, member: User
) -> None:
    own = make_organization(member, "own")
    foreign = Organization.objects.create(name="Foreign", slug="foreign")
    client.force_login(member)
    url = reverse("portal:switch_tenant")
    for wanted in (foreign.public_id, "org_nonsense", ""):
        assert client.post(url, {"organization": wanted}).status_code == 404
    assert client.get("/styleguide/").context["shell"].organization == own


def test_anonymous_visitor_signs_in_before_switching(client: Client) -> None:
    answer = client.post(reverse("portal:switch_tenant"), {"organization": "org_x"})
    assert answer["Location"].startswith("/accounts/login/")
