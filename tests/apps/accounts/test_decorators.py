"""Guards of portal pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from apps.accounts.decorators import console_page, staff_page
from apps.accounts.models import Membership, User
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, NotFound


@console_page("keys.manage")
def keys_page(request: Any) -> HttpResponse:
    return HttpResponse("keys")


@staff_page("approver")
def review_page(request: Any) -> HttpResponse:
    return HttpResponse("review")


def call(view: Callable[[Any], HttpResponse], actor: Actor) -> HttpResponse:
    request = RequestFactory().get("/console/keys/?page=2")
    request.actor = actor  # type: ignore[attr-defined]  # as ActorMiddleware does
    return view(request)


def test_console_page_sends_strangers_to_the_login_and_back() -> None:
    response = call(keys_page, Actor.anonymous())

    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/console/keys/%3Fpage%3D2"


def test_console_page_sends_people_without_organization_to_the_page_that_makes_one(
    make_staff: Callable[..., User], actor_of: Callable[..., Actor]
) -> None:
    response = call(keys_page, actor_of(make_staff()))

    assert response["Location"] == "/console/organization/new/"


@pytest.mark.parametrize("role", ["owner", "admin", "developer"])
def test_console_page_opens_to_roles_with_the_permission(
    role: str, make_member: Callable[..., Membership], actor_of: Callable[..., Actor]
) -> None:
    assert call(keys_page, actor_of(make_member(role))).content == b"keys"


@pytest.mark.parametrize("role", ["billing", "viewer"])
def test_console_page_refuses_other_roles(
    role: str, make_member: Callable[..., Membership], actor_of: Callable[..., Actor]
) -> None:
    with pytest.raises(Forbidden):
        call(keys_page, actor_of(make_member(role)))


def test_staff_page_knows_its_roles(
    make_staff: Callable[..., User],
    make_member: Callable[..., Membership],
    actor_of: Callable[..., Actor],
) -> None:
    assert call(review_page, actor_of(make_staff("approver"))).content == b"review"
    assert call(review_page, actor_of(make_staff(is_superuser=True))).content == b"review"
    with pytest.raises(Forbidden):
        call(review_page, actor_of(make_staff("finance")))
    with pytest.raises(NotFound):
        call(review_page, actor_of(make_member("owner")))
