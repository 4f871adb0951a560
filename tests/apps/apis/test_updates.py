"""Changes of a live API: what waits for an approver, what does not, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.apis import services
from apps.apis.enums import GoLiveMode
from apps.apis.exceptions import UpdatePending, UpdateSettled
from apps.apis.models import Api, ApiUpdate, UpstreamSecret
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import approve_request, cancel_request, expire_request, reject_request
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.apis import CategoryFactory, make_api

pytestmark = pytest.mark.django_db

NEW_URL = "https://new.example.com/v2"


@pytest.fixture
def api() -> Api:
    return make_api("active", allowed_methods=["GET"], visibility="unlisted")


@pytest.fixture
def provider(api: Api) -> Actor:
    return actor_of(make_member("developer", api.organization))


@pytest.fixture
def approver() -> Actor:
    return actor_of(make_staff("approver"))


def stored(api: Api) -> Api:
    return Api.objects.get(pk=api.pk)


def only_request() -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject_type="apis.api_update")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("upstream_url", NEW_URL),
        ("allowed_methods", ["GET", "POST"]),
        ("visibility", "public"),
    ],
)
def test_a_telling_change_of_a_live_api_waits_and_is_in_force_when_approved(
    api: Api, provider: Actor, approver: Actor, field: str, value: Any
) -> None:
    before = getattr(api, field)

    services.update_api(api=api, fields={field: value}, actor=provider)  # type: ignore[misc]  # one of three

    assert getattr(stored(api), field) == getattr(api, field) == before
    assert ApiUpdate.objects.get().changes == {field: {"before": before, "after": value}}
    approve_request(request=only_request(), actor=approver, comment="Fine")
    assert getattr(stored(api), field) == value
    assert ApiUpdate.objects.get().status == "approved"


@pytest.mark.parametrize("status", ["active", "suspended", "deprecated", "failed"])
def test_the_upstream_waits_in_every_state_after_the_first_approval(status: str) -> None:
    api = make_api(status)
    actor = actor_of(make_member("owner", api.organization))

    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=actor)

    assert stored(api).upstream_url != NEW_URL


def test_the_upstream_of_a_draft_changes_at_once() -> None:
    api = make_api("draft")
    actor = actor_of(make_member("owner", api.organization))

    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=actor)

    assert stored(api).upstream_url == NEW_URL
    assert not ApiUpdate.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [{"allowed_methods": ["GET"]}, {"visibility": "private"}, {"name": "Better", "tags": ["a"]}],
)
def test_narrowing_and_texts_are_in_force_at_once(fields: dict[str, Any]) -> None:
    api = make_api("active", allowed_methods=["GET", "POST"])
    actor = actor_of(make_member("owner", api.organization))

    services.update_api(api=api, fields=fields, actor=actor)  # type: ignore[arg-type]  # as above

    assert {name: getattr(stored(api), name) for name in fields} == fields
    assert not ApiUpdate.objects.exists()


def test_texts_of_a_mixed_change_do_not_wait(api: Api, provider: Actor) -> None:
    services.update_api(api=api, fields={"name": "Better", "upstream_url": NEW_URL}, actor=provider)

    assert (stored(api).name, stored(api).upstream_url == NEW_URL) == ("Better", False)
    assert list(ApiUpdate.objects.get().changes) == ["upstream_url"]


def test_verified_providers_in_instant_categories_wait_for_nobody() -> None:
    api = make_api(
        "active",
        OrganizationFactory(is_verified_provider=True),
        category=CategoryFactory(go_live_mode=GoLiveMode.INSTANT),
    )
    actor = actor_of(make_member("owner", api.organization))

    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=actor)

    assert stored(api).upstream_url == NEW_URL


def test_a_second_change_is_refused_while_one_waits_and_saves_nothing(
    api: Api, provider: Actor
) -> None:
    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=provider)

    with pytest.raises(UpdatePending):
        services.update_api(
            api=api, fields={"name": "Lost", "visibility": "public"}, actor=provider
        )

    assert stored(api).name != "Lost"
    assert ApiUpdate.objects.count() == 1


@pytest.mark.parametrize(
    ("settle", "status"),
    [
        (
            lambda request, approver: reject_request(request=request, actor=approver, comment="No"),
            "rejected",
        ),
        (
            lambda request, _approver: cancel_request(request=request, actor=Actor.system("x")),
            "cancelled",
        ),
        (
            lambda request, _approver: expire_request(request=request, actor=Actor.system("x")),
            "cancelled",
        ),
    ],
)
def test_what_is_not_approved_leaves_everything_as_it_was(
    api: Api, provider: Actor, approver: Actor, settle: Callable[..., object], status: str
) -> None:
    before = stored(api)
    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=provider)

    settle(only_request(), approver)

    assert stored(api).upstream_url == before.upstream_url
    assert stored(api).updated_at == before.updated_at
    assert ApiUpdate.objects.get().status == status


def test_withdrawn_change_makes_room_for_another(api: Api, provider: Actor) -> None:
    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=provider)
    update = ApiUpdate.objects.get()

    services.withdraw_update(update=update, actor=provider)
    with pytest.raises(UpdateSettled):
        services.withdraw_update(update=update, actor=provider)
    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=provider)

    assert sorted(ApiUpdate.objects.values_list("status", flat=True)) == ["cancelled", "pending"]


def test_a_new_secret_of_a_live_api_waits_encrypted_and_a_new_value_does_not(
    api: Api, provider: Actor, approver: Actor
) -> None:
    services.set_upstream_secret(
        api=api, header_name="X-A", value="old", actor=Actor.system("test")
    )

    services.set_upstream_secret(api=api, header_name="X-A", value="changed", actor=provider)
    waiting = services.set_upstream_secret(
        api=api, header_name="X-B", value="s3cret-value", actor=provider
    )

    assert isinstance(waiting, ApiUpdate)
    assert [row.value for row in UpstreamSecret.objects.all()] == ["changed"]
    rows = ApiUpdate.objects.raw("SELECT id, sealed AS ciphertext FROM apis_apiupdate")
    assert "s3cret-value" not in vars(rows[0])["ciphertext"]
    approve_request(request=only_request(), actor=approver, comment="Fine")
    assert dict(UpstreamSecret.objects.values_list("header_name", "value")) == {
        "X-A": "changed",
        "X-B": "s3cret-value",
    }
    assert ApiUpdate.objects.get().sealed == ""
    assert "s3cret-value" not in str(list(AuditEvent.objects.values()))


def test_a_refused_secret_is_forgotten(api: Api, provider: Actor, approver: Actor) -> None:
    services.set_upstream_secret(api=api, header_name="X-B", value="s3cret", actor=provider)

    reject_request(request=only_request(), actor=approver, comment="No")

    assert ApiUpdate.objects.get().sealed == ""
    assert not UpstreamSecret.objects.exists()


def test_retiring_an_api_withdraws_what_waits(provider: Actor) -> None:
    api = make_api("deprecated")
    actor = actor_of(make_member("owner", api.organization))
    services.update_api(api=api, fields={"upstream_url": NEW_URL}, actor=actor)

    services.retire_api(api=api, actor=actor)

    assert ApiUpdate.objects.get().status == "cancelled"
    assert only_request().status == "cancelled"


def test_rest_shows_the_waiting_change_and_withdraws_it(
    make_member: Callable[..., Membership], api_client: Callable[..., Any]
) -> None:
    member = make_member("developer")
    api = make_api("active", member.organization)
    client = api_client(member)
    url = f"/api/v1/provider/apis/{api.public_id}"

    changed = client.patch(url, {"upstream_url": NEW_URL}).json()
    listed = client.get(f"{url}/updates").json()["data"]
    withdrawn = client.post(f"{url}/updates/{listed[0]['id']}/withdraw", {})

    assert changed["upstream_url"] == api.upstream_url
    assert changed["pending_update"]["changes"]["upstream_url"]["after"] == NEW_URL
    assert withdrawn.json()["status"] == "cancelled"
    assert client.get(url).json()["pending_update"] is None
    again = client.post(f"{url}/updates/{listed[0]['id']}/withdraw", {})
    assert (again.status_code, again.json()["code"]) == (409, "update_settled")
    other = make_api("active")
    foreign = f"/api/v1/provider/apis/{other.public_id}/updates"
    assert client.get(foreign).status_code == 404
