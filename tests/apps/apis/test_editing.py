"""Listings: made, changed, kept from changing while somebody decides."""

from __future__ import annotations

from typing import Any, cast

import pytest
from django.core.exceptions import ValidationError

from apps.apis.exceptions import ApiNotEditable, SlugFixed, SlugRefused, SlugTaken
from apps.apis.models import Api
from apps.apis.selectors import Criteria, search_catalogue
from apps.apis.services import ListingFields, create_api, update_api
from apps.core.exceptions import InvalidInput, UnsafeUrl
from apps.core.models import AuditEvent
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import ApiFactory, CategoryFactory, make_api

pytestmark = pytest.mark.django_db


def listing(**changes: Any) -> ListingFields:
    fields = {
        "name": "City Weather",
        "category": CategoryFactory(),
        "upstream_url": "https://weather.example.com/v1/",
        **changes,
    }
    return cast("ListingFields", fields)


def test_create_api_makes_a_draft_with_history_and_audit() -> None:
    member = make_member("developer")

    api = create_api(organization=member.organization, fields=listing(), actor=actor_of(member))

    assert (api.slug, api.status, api.upstream_url) == (
        "city-weather",
        "draft",
        "https://weather.example.com/v1",
    )
    change = api.status_changes.get()
    assert (change.from_status, change.to_status, change.by_operator) == ("", "draft", False)
    assert change.actor_user_id == member.user_id
    assert (
        AuditEvent.objects.get(action="apis:api:created").organization_id == member.organization_id
    )


def test_create_api_finds_a_free_slug() -> None:
    organization = OrganizationFactory()
    actor = actor_of(make_member("owner", organization))

    slugs = [
        create_api(organization=organization, fields=listing(), actor=actor).slug for _ in range(3)
    ]

    assert slugs == ["city-weather", "city-weather-2", "city-weather-3"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"slug": "admin"}, SlugRefused),
        ({"slug": "Ab"}, SlugRefused),
        ({"slug": "double--hyphen"}, SlugRefused),
        ({"slug": "-start"}, SlugRefused),
        ({"slug": "taken"}, SlugTaken),
        ({"upstream_url": "http://10.0.0.1/"}, UnsafeUrl),
        ({"upstream_url": "http://localhost/"}, UnsafeUrl),
        ({"upstream_url": "https://weather.example.com:22/"}, UnsafeUrl),
        ({"upstream_url": "https://weather.example.com/?key=1"}, InvalidInput),
        ({"tags": ["x" * 31]}, InvalidInput),
        ({"allowed_methods": ["BREW"]}, InvalidInput),
        ({"allowed_methods": []}, InvalidInput),
        ({"cors_origins": ["*", "https://a.example"]}, InvalidInput),
        ({"cors_origins": [f"https://{number}.example" for number in range(21)]}, InvalidInput),
        ({"timeout_class": "eternal"}, ValidationError),
        ({"terms_url": "javascript:alert(1)"}, ValidationError),
        ({"visibility": "secret"}, ValidationError),
    ],
)
def test_create_api_refuses(change: dict[str, Any], error: type[Exception]) -> None:
    ApiFactory(slug="taken")
    member = make_member("owner")

    with pytest.raises(error):
        create_api(
            organization=member.organization, fields=listing(**change), actor=actor_of(member)
        )

    assert not Api.objects.filter(organization=member.organization).exists()


def test_update_api_audits_only_what_changed() -> None:
    api = ApiFactory(name="Old", short_description="Same")
    actor = actor_of(make_member("owner", api.organization))

    update_api(api=api, fields=ListingFields(name="New", short_description="Same"), actor=actor)

    event = AuditEvent.objects.get(action="apis:api:updated")
    assert (event.before, event.after) == ({"name": "Old"}, {"name": "New"})


@pytest.mark.parametrize("status", ["pending_approval", "registering"])
def test_update_api_refuses_while_somebody_decides(status: str) -> None:
    api = make_api(status)

    with pytest.raises(ApiNotEditable):
        update_api(
            api=api,
            fields=ListingFields(name="New"),
            actor=actor_of(make_member("owner", api.organization)),
        )

    assert Api.objects.get(pk=api.pk).name == api.name


def test_update_api_keeps_a_submitted_slug() -> None:
    api = make_api("active")
    actor = actor_of(make_member("owner", api.organization))

    with pytest.raises(SlugFixed):
        update_api(api=api, fields=ListingFields(slug="other-slug"), actor=actor)


def test_update_api_finds_new_words() -> None:
    api = make_api("active", name="Weather")
    actor = actor_of(make_member("owner", api.organization))
    update_api(api=api, fields=ListingFields(description="Now with Tides"), actor=actor)

    assert [row.pk for row in search_catalogue(Criteria(text="tid"))] == [api.pk]
