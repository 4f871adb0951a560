"""Versions of an API: prepared, published, announced to end, ended; in services and over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership
from apps.apis import events, services
from apps.apis.exceptions import SunsetInThePast, VersionInUse, VersionNotPublished, VersionTaken
from apps.apis.models import Api, ApiUpdate, ApiVersion
from apps.core import clock
from apps.core import events as core_events
from apps.core.actors import Actor
from apps.core.exceptions import InvalidTransition
from tests.factories.accounts import actor_of, make_member
from tests.factories.apis import ApiVersionFactory, make_api

pytestmark = pytest.mark.django_db

PROVIDER = Actor.system("provider of the test")


@pytest.fixture
def api() -> Api:
    api = make_api("active")
    ApiVersionFactory(api=api, name="1.0", status="published")
    return api


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    heard: list[Any] = []
    for event in (
        events.ApiVersionPublished,
        events.ApiVersionDeprecated,
        events.ApiVersionRetired,
    ):
        receivers = core_events._by_event[event]
        receiver = core_events._Receiver("test", event, heard.append, in_transaction=True)
        monkeypatch.setitem(core_events._by_event, event, [*receivers, receiver])
    return heard


def test_a_version_lives_from_draft_to_retired_and_tells_each_step(
    api: Api, told: list[Any]
) -> None:
    sunset = clock.now() + timedelta(days=90)
    version = services.create_version(api=api, name="2.0", changelog="New", actor=PROVIDER)

    published = services.publish_version(version=version, actor=PROVIDER)
    deprecated = services.deprecate_version(version=version, sunset_at=sunset, actor=PROVIDER)
    retired = services.retire_version(version=version, actor=PROVIDER)

    assert (version.status, published.status, deprecated.status, retired.status) == (
        "draft",
        "published",
        "deprecated",
        "retired",
    )
    assert [type(event).__name__ for event in told] == [
        "ApiVersionPublished",
        "ApiVersionDeprecated",
        "ApiVersionRetired",
    ]
    assert (told[1].version_name, told[1].sunset_at) == ("2.0", sunset)
    assert None not in {retired.published_at, retired.deprecated_at, retired.retired_at}


def test_a_draft_beside_a_live_version_is_not_current(api: Api) -> None:
    version = services.create_version(api=api, name="2.0", actor=PROVIDER)

    assert not version.is_current
    with pytest.raises(VersionNotPublished):
        services.make_version_current(version=version, actor=PROVIDER)
    assert api.versions.get(is_current=True).name == "1.0"


def test_making_a_version_current_takes_it_from_the_other(api: Api) -> None:
    version = services.create_version(api=api, name="2.0", actor=PROVIDER)
    services.publish_version(version=version, actor=PROVIDER)

    services.make_version_current(version=version, actor=PROVIDER)

    assert api.versions.get(is_current=True).name == "2.0"


def test_a_version_that_breaks_callers_becomes_current_only_with_an_approvers_yes(api: Api) -> None:
    actor = actor_of(make_member("owner", api.organization))
    paths: dict[str, Any] = {"/a": {"get": {"responses": {}}}}
    ApiVersion.objects.filter(name="1.0").update(openapi={"paths": paths})
    version = services.create_version(api=api, name="2.0", actor=actor)
    services.publish_version(version=version, actor=actor)

    waiting = services.make_version_current(version=version, actor=actor)
    assert not waiting.is_current
    services.approve_update(update=ApiUpdate.objects.get(), actor=PROVIDER)

    assert api.versions.get(is_current=True).name == "2.0"


def test_refusals_leave_the_version_as_it_was(api: Api) -> None:
    current = api.versions.get()
    day = timedelta(days=1)

    with pytest.raises(SunsetInThePast):
        services.deprecate_version(version=current, sunset_at=clock.now(), actor=PROVIDER)
    with pytest.raises(InvalidTransition):
        services.retire_version(version=current, actor=PROVIDER)
    with pytest.raises(InvalidTransition):
        services.publish_version(version=current, actor=PROVIDER)
    with pytest.raises(VersionTaken):
        services.create_version(api=api, name="1.0", actor=PROVIDER)
    services.deprecate_version(version=current, sunset_at=clock.now() + day, actor=PROVIDER)
    with pytest.raises(VersionInUse):
        services.retire_version(version=current, actor=PROVIDER)

    assert ApiVersion.objects.get().status == "deprecated"


def test_the_date_of_an_announced_end_can_move(api: Api) -> None:
    version = api.versions.get()
    first, second = clock.now() + timedelta(days=10), clock.now() + timedelta(days=20)

    announced = services.deprecate_version(version=version, sunset_at=first, actor=PROVIDER)
    moved = services.deprecate_version(version=version, sunset_at=second, actor=PROVIDER)

    assert (moved.sunset_at, moved.deprecated_at) == (second, announced.deprecated_at)


def test_going_live_publishes_the_current_draft() -> None:
    api = make_api("registering")
    ApiVersionFactory(api=api)

    services.mark_api_active(api=api, actor=PROVIDER)

    version = api.versions.get()
    assert version.status == "published"
    assert version.published_at is not None


# --- REST -----------------------------------------------------------------------------------------


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def url(member: Membership) -> str:
    api = make_api("active", member.organization)
    return f"/api/v1/provider/apis/{api.public_id}/versions"


def test_rest_walks_a_version_through_its_life(
    member: Membership, url: str, api_client: Callable[..., Any]
) -> None:
    client = api_client(member)
    sunset = (clock.now() + timedelta(days=30)).isoformat()

    made = client.post(url, {"name": "2.0"})
    one = f"{url}/{made.json()['id']}"
    described = client.patch(one, {"changelog": "Better <script>"}).json()
    published = client.post(f"{one}/publish", {}).json()
    current = client.post(f"{one}/make-current", {}).json()
    deprecated = client.post(f"{one}/deprecate", {"sunset_at": sunset}).json()
    refused = client.post(f"{one}/retire", {})

    assert made.status_code == 201
    assert described["changelog"] == "Better <script>"
    assert [published["status"], current["is_current"], deprecated["status"]] == [
        "published",
        True,
        "deprecated",
    ]
    assert (refused.status_code, refused.json()["code"]) == (409, "version_in_use")
    assert client.get(one).json()["sunset_at"] is not None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"sunset_at": "2020-01-01T00:00:00Z"}, "/sunset_at"), ({}, "/sunset_at")],
)
def test_rest_names_a_wrong_sunset(
    member: Membership,
    url: str,
    api_client: Callable[..., Any],
    body: dict[str, str],
    pointer: str,
) -> None:
    client = api_client(member)
    one = f"{url}/{client.post(url, {'name': '2.0'}).json()['id']}"
    client.post(f"{one}/publish", {})

    answer = client.post(f"{one}/deprecate", body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


@pytest.mark.parametrize("item_count", [1, 3])
def test_list_needs_the_same_queries_for_any_length(
    member: Membership,
    url: str,
    api_client: Callable[..., Any],
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = api_client(member)
    for number in range(item_count):
        client.post(url, {"name": f"{number}.0"})

    with django_assert_num_queries(2):
        assert len(client.get(url).json()["data"]) == item_count


def test_versions_of_another_api_do_not_exist(
    member: Membership, url: str, api_client: Callable[..., Any]
) -> None:
    client = api_client(member)
    other = ApiVersionFactory(api=make_api("active"))
    theirs = f"/api/v1/provider/apis/{other.api.public_id}/versions"

    assert client.get(theirs).status_code == 404
    assert client.get(f"{url}/{other.public_id}").status_code == 404
    assert client.post(f"{url}/{other.public_id}/publish", {}).status_code == 404
