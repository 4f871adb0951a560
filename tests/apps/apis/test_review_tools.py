"""What approvers do beside deciding: the upstream's check, test calls, the preview."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership, User
from apps.apis import services
from apps.apis.models import Api, HealthCheck
from apps.apis.services.trials import MAX_SHOWN_BYTES, Operation, call_upstream
from apps.approvals.models import ApprovalRequest
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput
from apps.core.models import AuditEvent
from tests.apps.apis.conftest import Upstream
from tests.factories.accounts import actor_of
from tests.factories.apis import ApiVersionFactory, CategoryFactory, EndpointFactory, make_api

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Bearer s3cr3t-of-the-provider"
SYSTEM = Actor.system("test")


@pytest.fixture
def approver(make_staff: Callable[..., User], client_for: Callable[..., Client]) -> Client:
    return client_for(make_staff("approver"))


@pytest.fixture
def api(upstream: Upstream) -> Api:
    api = make_api("pending_approval", upstream_url=upstream.url)
    services.set_upstream_secret(api=api, header_name="Authorization", value=SECRET, actor=SYSTEM)
    return api


def add_endpoint(api: Api, **fields: object) -> object:
    version = api.versions.first() or ApiVersionFactory(api=api)
    return EndpointFactory(version=version, **fields)


def call(client: Client, api: Api, **values: str) -> str:
    answer = client.post(reverse("admin:apis_try_call", args=[api.pk]), values)
    assert answer.status_code == 200
    return answer.content.decode()


def test_check_again_stores_a_check_and_returns_to_the_review(approver: Client, api: Api) -> None:
    before = HealthCheck.objects.count()
    review = "01890000-0000-7000-8000-000000000000"

    answer = approver.post(
        reverse("admin:apis_check_upstream", args=[api.pk]), {"approval": review}
    )

    assert answer.headers["Location"].endswith(f"{review}/change/")
    assert HealthCheck.objects.count() == before + 1


def test_call_sends_parameters_and_the_secret_and_shows_everything_but_it(
    approver: Client, api: Api, upstream: Upstream
) -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}},
    ]
    endpoint = add_endpoint(api, path="/things/{id}", parameters=parameters)
    echoed = json.dumps({"token": SECRET, "half": SECRET.split()[1], "html": "<script>"})
    upstream.answers["/things/a%2Fb?limit=2"] = (200, echoed.encode())

    text = call(
        approver,
        api,
        endpoint=endpoint.public_id,  # type: ignore[attr-defined]  # an Endpoint
        **{"path:id": "a/b", "query:limit": "2"},
    )

    path, headers = upstream.requests[-1]
    assert path == "/things/a%2Fb?limit=2"
    assert headers["Authorization"] == SECRET
    assert "s3cr3t" not in text
    assert "•••" in text
    assert "&lt;script&gt;" in text
    assert "<script>&quot;" not in text


def test_call_is_audited_without_the_query(approver: Client, api: Api, upstream: Upstream) -> None:
    upstream.answers["/anything"] = (418, b"teapot")

    text = call(approver, api, path="/anything?name=ann")

    assert "418" in text
    row = AuditEvent.objects.get(action="apis:upstream:tried")
    assert row.after == {
        "method": "GET", "url": f"{upstream.url}/anything", "status": 418, "error": "",
    }  # fmt: skip


def test_long_body_is_cut(api: Api, upstream: Upstream) -> None:
    upstream.answers["/long"] = (200, b"x" * (MAX_SHOWN_BYTES + 5))

    result = call_upstream(api=api, operation=Operation(path="/long"), values={}, actor=SYSTEM)

    assert (len(result.body), result.is_cut) == (MAX_SHOWN_BYTES, True)
    assert result.size_bytes == MAX_SHOWN_BYTES + 5


def test_address_that_is_not_public_is_not_called(api: Api) -> None:
    result = call_upstream(
        api=api,
        operation=Operation(),
        values={},
        actor=SYSTEM,
        base_url="http://169.254.169.254/latest",
    )

    assert result.status is None
    assert "host name" in result.error


@pytest.mark.parametrize(
    ("operation", "values", "field"),
    [
        (Operation(method="POST"), {}, "endpoint"),
        (Operation(path="/a/{id}"), {}, "path:id"),
        (Operation(path="/a/{id}"), {("path", "id"): ".."}, "path:id"),
        (Operation(), {("header", "X-Trace"): "a\r\nb: c"}, "header:X-Trace"),
        (Operation(), {("header", "Host"): "elsewhere"}, "header:Host"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_field(
    api: Api, operation: Operation, values: dict[tuple[str, str], str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        call_upstream(api=api, operation=operation, values=values, actor=SYSTEM)

    assert refusal.value.field == field
    assert not AuditEvent.objects.filter(action="apis:upstream:tried").exists()


def test_missing_path_value_is_said_at_its_field(approver: Client, api: Api) -> None:
    add_endpoint(api, path="/a/{id}", parameters=[{"name": "id", "in": "path", "required": True}])

    assert "This field is required." in call(approver, api)


def test_test_call_page_needs_an_approver(
    make_staff: Callable[..., User], client_for: Callable[..., Client], api: Api
) -> None:
    finance = client_for(make_staff("finance"))

    assert finance.get(reverse("admin:apis_try_call", args=[api.pk])).status_code == 403
    assert finance.post(reverse("admin:apis_check_upstream", args=[api.pk])).status_code == 403


def test_preview_shows_a_listing_that_is_not_live_to_approvers_only(
    approver: Client,
    client_for: Callable[..., Client],
    make_member: Callable[..., object],
    api: Api,
) -> None:
    url = reverse("portal:api_preview", args=[api.slug])

    text = approver.get(url).content.decode()

    assert api.short_description in text
    assert "This is a preview" in text
    assert client_for(make_member("owner")).get(url).status_code == 404
    assert Client().get(url).status_code == 302


def test_update_can_be_tried_at_the_upstream_that_it_asks_for(
    approver: Client, make_member: Callable[..., Membership], upstream: Upstream
) -> None:
    member = make_member("owner")
    api = make_api("active", member.organization)
    upstream.answers["/new/"] = (200, b"the new one")
    services.update_api(
        api=api, fields={"upstream_url": f"{upstream.url}/new"}, actor=actor_of(member)
    )
    request = ApprovalRequest.objects.get(subject_type="apis.api_update")

    review = approver.get(reverse("admin:approvals_approvalrequest_change", args=[request.pk]))
    text = call(approver, api, path="/", target="wanted", approval=str(request.pk))

    assert reverse("admin:apis_try_call", args=[api.pk]) in review.content.decode()
    assert "the new one" in text
    assert upstream.requests[-1][0] == "/new/"
    assert str(request.pk) in text


def test_operator_sets_how_a_category_goes_live_knowing_what_it_means(
    approver: Client, client_for: Callable[..., Client], make_staff: Callable[..., User]
) -> None:
    category = CategoryFactory()
    url = reverse("admin:apis_category_change", args=[category.pk])
    form = {"name": category.name, "slug": category.slug, "position": 0, "go_live_mode": "instant"}
    operator = client_for(make_staff("operator"))

    assert "go live at once, without a review" in operator.get(url).content.decode()
    assert approver.post(url, form).status_code == 403
    operator.post(url, form)

    row = AuditEvent.objects.get(action="apis:category:saved")
    assert (row.before, row.after) == ({"go_live_mode": "review"}, {"go_live_mode": "instant"})
