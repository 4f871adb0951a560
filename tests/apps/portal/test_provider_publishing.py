"""The provider's pages of versions, documents, access, logo, headers, updates and the end of an API."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership
from apps.apis.models import Api, ApiAccess, ApiLogo, ApiUpdate, ApiVersion, OpenapiImport
from apps.core import clock
from tests.apps.apis.conftest import Upstream, upstream  # noqa: F401 -- a fixture
from tests.apps.apis.test_imports import document
from tests.factories.accounts import OrganizationFactory
from tests.factories.apis import ApiFactory, ApiVersionFactory, CategoryFactory, make_api

pytestmark = pytest.mark.django_db

URL = "/console/provider/apis/"


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def browser(member: Membership, client_for: Callable[..., Client]) -> Client:
    return client_for(member)


@pytest.fixture
def live(member: Membership) -> Api:
    return make_api("active", member.organization, allowed_methods=["GET"])


def text_of(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def listing_of(api: Api, **changes: Any) -> dict[str, Any]:
    fields = {"name": api.name, "category": api.category_id, "visibility": api.visibility}
    return {**fields, **changes}


def test_preview_shows_the_description_without_scripts_and_saves_nothing(
    browser: Client, live: Api
) -> None:
    body = "# Tides\n\n<script>alert(1)</script> **bold** [x](javascript:alert(1))"
    form = listing_of(live, description=body, preview="1")

    text = browser.post(f"{URL}{live.public_id}/listing/", form).content.decode()

    shown = text.split('class="prose"')[1].split("</section>")[0]
    assert "<strong>bold</strong>" in shown
    assert "<script" not in shown
    assert "javascript:" not in shown
    assert Api.objects.get(pk=live.pk).description == ""


def test_the_address_is_edited_until_the_first_submission(
    browser: Client, member: Membership, live: Api
) -> None:
    draft = ApiFactory(organization=member.organization)
    url = f"{URL}{draft.public_id}/listing/"

    browser.post(url, listing_of(draft, slug="new-address"))
    taken = browser.post(url, listing_of(draft, slug=live.slug)).content.decode()
    reserved = browser.post(url, listing_of(draft, slug="admin")).content.decode()

    assert Api.objects.get(pk=draft.pk).slug == "new-address"
    assert "taken" in taken
    assert "reserved" in reserved
    assert 'name="slug"' not in text_of(browser, f"{URL}{live.public_id}/listing/")


def test_an_upstream_that_does_not_answer_is_said_at_once(
    browser: Client,
    upstream: Upstream,  # noqa: F811 -- the fixture
) -> None:
    upstream.answers.clear()
    form = {
        "name": "City Weather",
        "category": CategoryFactory().pk,
        "upstream_url": upstream.url,
    }

    text = browser.post(f"{URL}new/", form, follow=True).content.decode()

    assert "It answered 404 instead of 200." in text
    assert Api.objects.get().status == "draft"


def test_a_waiting_change_is_shown_and_withdrawn(browser: Client, live: Api) -> None:
    form = {
        "upstream_url": live.upstream_url,
        "allowed_methods": ["GET", "POST"],
        "health_path": "/",
        "health_expected_status": 200,
        "timeout_class": live.timeout_class,
    }

    browser.post(f"{URL}{live.public_id}/upstream/", form)
    update = ApiUpdate.objects.get()
    text = text_of(browser, f"{URL}{live.public_id}/")
    browser.post(f"{URL}{live.public_id}/updates/{update.public_id}/withdraw/")

    assert "A change waits for an approver" in text
    assert "GET, POST" in text
    update.refresh_from_db()
    assert update.status == "cancelled"
    assert "A change waits" not in text_of(browser, f"{URL}{live.public_id}/")


def send(browser: Client, api: Api, content: dict[str, Any]) -> Any:
    upload = SimpleUploadedFile("openapi.json", json.dumps(content).encode())
    return browser.post(f"{URL}{api.public_id}/import/", {"file": upload})


def test_a_second_document_is_shown_with_its_differences_before_it_is_applied(
    browser: Client, live: Api
) -> None:
    send(browser, live, document(now=1))
    answer = send(browser, live, document("2.0", soon=1))
    row = OpenapiImport.objects.latest("id")

    assert answer["Location"] == f"{URL}{live.public_id}/imports/{row.public_id}/"
    text = text_of(browser, answer["Location"])
    assert "The operation is gone." in text
    assert "Breaking" in text
    assert "1 change breaks present callers." in text
    assert answer["Location"] in text_of(browser, f"{URL}{live.public_id}/")
    browser.post(f"{answer['Location']}apply/")
    assert ApiUpdate.objects.get().changes["openapi"]["version"] == "2.0"
    assert live.versions.get().name == "1.0"


def test_a_harmless_document_is_applied_and_another_discarded(browser: Client, live: Api) -> None:
    send(browser, live, document(now=1))
    harmless = send(browser, live, document("1.1", now=1, soon=1))["Location"]
    browser.post(f"{harmless}apply/")
    other = send(browser, live, document("1.2", now=1))["Location"]
    browser.post(f"{other}discard/")

    assert live.versions.get(is_current=True).name == "1.1"
    assert OpenapiImport.objects.latest("id").status == "discarded"


def test_a_version_is_prepared_published_announced_and_retired(browser: Client, live: Api) -> None:
    url = f"{URL}{live.public_id}/versions/"
    day = (clock.now() + timedelta(days=60)).date().isoformat()

    one = browser.post(url, {"name": "2.0", "changelog": "**New**"})["Location"]
    assert "<strong>New</strong>" in text_of(browser, one)
    browser.post(one, {"changelog": "Newer"})
    browser.post(f"{one}publish/")
    browser.post(f"{one}deprecate/", {"sunset_on": "2020-01-01"})
    assert ApiVersion.objects.get().status == "published"
    browser.post(f"{one}deprecate/", {"sunset_on": day})
    browser.post(f"{one}retire/")

    version = ApiVersion.objects.get()
    assert (version.status, version.changelog) == ("retired", "Newer")
    assert "2.0" in text_of(browser, url)
    assert browser.post(f"{one}burn/").status_code == 404


@pytest.mark.parametrize("item_count", [1, 3])
@pytest.mark.parametrize(("page", "queries"), [("versions", 8), ("access", 8), ("history", 9)])
def test_pages_need_the_same_queries_for_any_length(
    browser: Client,
    live: Api,
    item_count: int,
    page: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(item_count):
        ApiVersionFactory(api=live, name=f"{number}.0", is_current=False)
        ApiAccess.objects.create(api=live, organization=OrganizationFactory())
        ApiUpdate.objects.create(api=live, status="approved", changes={})
    url = f"{URL}{live.public_id}/{page}/"
    browser.get(url)

    with django_assert_num_queries(queries):
        browser.get(url)


def test_somebody_is_let_in_and_out(browser: Client, live: Api) -> None:
    url = f"{URL}{live.public_id}/access/"
    guest = OrganizationFactory()

    browser.post(url, {"organization_id": guest.public_id})
    access = ApiAccess.objects.get()
    assert guest.name in text_of(browser, url)
    said = browser.post(f"{url}{access.public_id}/remove/", follow=True).content.decode()

    assert "Its subscriptions go on" in said
    assert "No other organization has access." in text_of(browser, url)
    assert "Give an id or an address." in browser.post(url, {"email": ""}).content.decode()


def test_a_logo_is_set_shown_and_removed(browser: Client, live: Api) -> None:
    url = f"{URL}{live.public_id}/logo/"
    written = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(written, "PNG")

    refused = browser.post(url, {"logo": SimpleUploadedFile("x.png", b"words")})
    browser.post(url, {"logo": SimpleUploadedFile("x.png", written.getvalue())})

    assert "not a PNG, JPEG or WebP picture" in refused.content.decode()
    assert ApiLogo.objects.get().digest in text_of(browser, f"{URL}{live.public_id}/")
    browser.post(url, {"remove": "1"})
    assert not ApiLogo.objects.exists()


def test_callers_are_asked_for_a_header_and_no_longer(browser: Client, live: Api) -> None:
    url = f"{URL}{live.public_id}/headers/"

    browser.post(url, {"name": "X-Region", "description": "Where <b>from</b>"})
    browser.post(url, {"name": "x-region"})
    browser.post(url, {"name": "Host"})
    header = live.required_headers.get()
    assert "Where &lt;b&gt;from&lt;/b&gt;" in text_of(browser, f"{URL}{live.public_id}/")
    browser.post(f"{url}{header.public_id}/delete/")

    assert not live.required_headers.exists()


def test_an_api_is_deprecated_and_retired_after_its_address_was_typed(
    browser: Client, live: Api
) -> None:
    url = f"{URL}{live.public_id}/"
    day = (clock.now() + timedelta(days=60)).date().isoformat()

    assert "Nobody new can subscribe" in text_of(browser, f"{url}deprecate/")
    browser.post(f"{url}deprecate/", {"sunset_on": day, "reason": "A better one is there"})
    live.refresh_from_db()
    assert (live.status, live.status_reason) == ("deprecated", "A better one is there")
    assert live.sunset_at is not None
    wrong = browser.post(f"{url}retire/", {"confirm": "something"}).content.decode()
    assert "not the address" in wrong
    browser.post(f"{url}retire/", {"confirm": live.slug})

    live.refresh_from_db()
    assert live.status == "retired"
    assert "A better one is there" in text_of(browser, f"{url}history/")


@pytest.mark.parametrize(
    "page", ["versions/", "access/", "history/", "logo/", "deprecate/", "retire/", "import/"]
)
def test_pages_of_another_tenant_do_not_exist(browser: Client, page: str) -> None:
    assert browser.get(f"{URL}{make_api('active').public_id}/{page}").status_code == 404


def test_viewers_look_but_do_not_change(
    live: Api,
    member: Membership,
    make_member: Callable[..., Membership],
    client_for: Callable[..., Client],
) -> None:
    viewer = client_for(make_member("viewer", member.organization))
    url = f"{URL}{live.public_id}/"

    assert "Prepare a version" not in text_of(viewer, f"{url}versions/")
    assert "Let somebody in" not in text_of(viewer, f"{url}access/")
    viewer.post(f"{url}versions/", {"name": "2.0"})
    viewer.post(f"{url}access/", {"organization_id": OrganizationFactory().public_id})
    assert not live.versions.exists()
    assert not ApiAccess.objects.exists()
    assert viewer.get(f"{url}retire/").status_code == 403
