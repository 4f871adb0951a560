"""The provider's pages: what stands there, what the buttons do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership
from apps.apis import requirements
from apps.apis.models import Api, UpstreamSecret
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import request_information
from tests.apps.apis.conftest import Upstream, upstream  # noqa: F401 -- a fixture
from tests.apps.apis.test_provider_api import DOCUMENT
from tests.factories.accounts import actor_of, make_staff
from tests.factories.apis import ApiFactory, CategoryFactory, make_api

pytestmark = pytest.mark.django_db

URL = "/console/provider/apis/"


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def browser(member: Membership, client_for: Callable[..., Client]) -> Client:
    return client_for(member)


@pytest.fixture
def only_own_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {item.code: item for item in requirements.OWN_REQUIREMENTS}
    monkeypatch.setattr(requirements, "_requirements", own)


def new_api(**changes: Any) -> dict[str, Any]:
    fields = {
        "name": "City Weather",
        "category": CategoryFactory().pk,
        "upstream_url": "https://weather.example.com",
        "short_description": "Forecasts",
    }
    return {**fields, **changes}


def page_of(browser: Client, api: Api) -> str:
    answer = browser.get(f"{URL}{api.public_id}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_empty_list_teaches_the_next_step(browser: Client) -> None:
    assert f"{URL}new/" in browser.get(URL).content.decode()


@pytest.mark.parametrize("item_count", [1, 3])
def test_list_needs_the_same_queries_for_any_length(
    browser: Client,
    member: Membership,
    item_count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(item_count):
        ApiFactory(organization=member.organization)
    browser.get(URL)

    with django_assert_num_queries(8):
        browser.get(URL)


def test_create_with_a_document_imports_it(browser: Client) -> None:
    upload = SimpleUploadedFile("openapi.json", json.dumps(DOCUMENT).encode())

    answer = browser.post(f"{URL}new/", new_api(file=upload))

    api = Api.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{URL}{api.public_id}/")
    assert "GET" in page_of(browser, api)
    assert api.versions.get().name == "1.0"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"upstream_url": "http://127.0.0.1/"}, "IP address"),
        ({"name": ""}, "required"),
        ({"file": SimpleUploadedFile("x.json", b"{}")}, "3.0.x or 3.1.x"),
        ({"url": "http://10.0.0.1/openapi.json"}, "IP address"),
    ],
)
def test_create_says_what_is_wrong_and_leaves_nothing(
    browser: Client, change: dict[str, Any], said: str
) -> None:
    answer = browser.post(f"{URL}new/", new_api(**change))

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Api.objects.exists()


@pytest.mark.parametrize(
    "status",
    ["draft", "pending_approval", "registering", "failed", "active", "suspended", "deprecated"],
)
def test_page_renders_in_every_state(browser: Client, member: Membership, status: str) -> None:
    text = page_of(browser, make_api(status, member.organization))

    assert text.count("<h1") == 1
    assert 'class="journey"' in text


@pytest.mark.parametrize(
    ("status", "is_offered"),
    [("draft", True), ("active", True), ("pending_approval", False), ("registering", False)],
)
def test_page_offers_editing_only_when_it_would_be_accepted(
    browser: Client, member: Membership, status: str, *, is_offered: bool
) -> None:
    api = make_api(status, member.organization)
    text = page_of(browser, api)

    for page in ("listing", "upstream", "import"):
        assert (f"{api.public_id}/{page}/" in text) is is_offered


def test_page_of_another_tenant_does_not_exist(browser: Client) -> None:
    api = ApiFactory()

    assert browser.get(f"{URL}{api.public_id}/").status_code == 404
    assert browser.post(f"{URL}{api.public_id}/submit/").status_code == 404


def test_viewer_sees_no_buttons_and_may_not_press_them(
    client_for: Callable[..., Client], make_member: Callable[..., Membership], member: Membership
) -> None:
    api = ApiFactory(organization=member.organization)
    viewer = client_for(make_member("viewer", member.organization))

    assert "submit/" not in page_of(viewer, api)
    assert viewer.post(f"{URL}{api.public_id}/submit/").status_code == 403
    assert viewer.get(f"{URL}{api.public_id}/listing/").status_code == 403


@pytest.mark.usefixtures("only_own_requirements")
def test_submit_shows_review_and_withdraw_brings_the_draft_back(
    browser: Client,
    member: Membership,
    upstream: Upstream,  # noqa: F811 -- the fixture
) -> None:
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)
    url = f"{URL}{api.public_id}/"

    browser.post(f"{url}submit/")
    assert Api.objects.get(pk=api.pk).status == "pending_approval"
    browser.post(f"{url}withdraw/")

    assert Api.objects.get(pk=api.pk).status == "draft"


def test_submit_without_upstream_says_why(
    browser: Client,
    member: Membership,
    upstream: Upstream,  # noqa: F811 -- the fixture
) -> None:
    upstream.answers.clear()
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)

    text = browser.post(f"{URL}{api.public_id}/submit/", follow=True).content.decode()

    assert "It answered 404 instead of 200." in text
    assert Api.objects.get(pk=api.pk).status == "draft"


@pytest.mark.usefixtures("only_own_requirements")
def test_question_is_shown_and_answered(
    browser: Client,
    member: Membership,
    upstream: Upstream,  # noqa: F811 -- the fixture
) -> None:
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)
    browser.post(f"{URL}{api.public_id}/submit/")
    approver = actor_of(make_staff("approver"))
    request_information(
        request=ApprovalRequest.objects.get(), actor=approver, question="Which <b>data</b>?"
    )

    assert "Which &lt;b&gt;data&lt;/b&gt;?" in page_of(browser, api)
    browser.post(f"{URL}{api.public_id}/listing/", listing_of(api, name="Better"))
    browser.post(f"{URL}{api.public_id}/answer/", {"answer": "Public data"})

    assert ApprovalRequest.objects.get().status == "pending"
    assert Api.objects.get(pk=api.pk).name == "Better"


def listing_of(api: Api, **changes: Any) -> dict[str, Any]:
    fields = {
        "name": api.name,
        "category": api.category_id,
        "visibility": api.visibility,
        "tags": "a, B",
    }
    return {**fields, **changes}


def test_listing_form_saves_and_refuses(browser: Client, member: Membership) -> None:
    api = ApiFactory(organization=member.organization)
    url = f"{URL}{api.public_id}/listing/"

    assert browser.post(url, listing_of(api)).status_code == 302
    assert Api.objects.get(pk=api.pk).tags == ["a", "b"]
    refused = browser.post(url, listing_of(api, terms_url="javascript:1"))
    assert refused.status_code == 200


def test_import_page_lists_what_is_wrong_by_place(browser: Client, member: Membership) -> None:
    api = ApiFactory(organization=member.organization)
    bad = {**DOCUMENT, "paths": {"/a/{b}": {"get": {}}}}
    upload = SimpleUploadedFile("openapi.json", json.dumps(bad).encode())

    text = browser.post(f"{URL}{api.public_id}/import/", {"file": upload}).content.decode()

    assert "/paths/~1a~1{b}/get" in text
    assert not api.versions.exists()


def test_secret_is_set_shown_by_name_only_and_removed(browser: Client, member: Membership) -> None:
    api = ApiFactory(organization=member.organization)
    url = f"{URL}{api.public_id}/secrets/"

    browser.post(url, {"header_name": "X-Token", "value": "s3cret"})
    text = page_of(browser, api)
    secret = UpstreamSecret.objects.get()
    browser.post(f"{url}{secret.public_id}/delete/")

    assert "X-Token" in text
    assert "s3cret" not in text
    assert not UpstreamSecret.objects.exists()


def test_suspend_asks_first_then_does_it_and_resume_undoes_it(
    browser: Client, member: Membership
) -> None:
    api = make_api("active", member.organization)
    url = f"{URL}{api.public_id}/"

    assert "Every call is refused" in browser.get(f"{url}suspend/").content.decode()
    browser.post(f"{url}suspend/", {"reason": "Maintenance"})
    assert Api.objects.get(pk=api.pk).status == "suspended"
    browser.post(f"{url}resume/")

    assert Api.objects.get(pk=api.pk).status == "active"


def test_console_home_shows_what_waits(browser: Client, member: Membership) -> None:
    make_api("failed", member.organization, name="Broken one")
    make_api("active", member.organization, name="Fine one")

    text = browser.get("/console/").content.decode()

    assert "Broken one could not be registered; try again." in text
    assert "1 thing waits for you." in text


def test_console_home_of_a_newcomer_teaches_both_ways(browser: Client) -> None:
    text = browser.get("/console/").content.decode()

    assert 'href="/apis/"' in text
    assert f'href="{URL}new/"' in text
