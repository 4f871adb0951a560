"""Origins of pages: as browsers write them, or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.apis.origins import clean_origins
from apps.apis.services import ListingFields, update_api
from apps.core.exceptions import InvalidInput
from apps.core.models import AuditEvent
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import ApiFactory, make_api


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://app.example.com", "https://app.example.com"),
        (" HTTPS://App.Example.com/ ", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("*", "*"),
    ],
)
def test_origin_is_kept_as_browsers_write_it(given: str, kept: str) -> None:
    assert clean_origins([given, given]) == [kept]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "null",
        "app.example.com",
        "https://",
        "https://app.example.com/path",
        "https://app.example.com?x=1",
        "https://app.example.com/?",
        "https://app.example.com/#x",
        "https://user@app.example.com",
        "https://*.example.com",
        "https://a,b.example",
        "https://a.example:port",
        "https://a.example:99999",
        "https://a.example\r\nX-Other: 1",
        "ftp://app.example.com",
        f"https://{'a' * 70}.example",
        f"https://{'a.' * 140}example",
    ],
)
def test_what_is_no_origin_is_refused_by_field(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_origins([given])

    assert refused.value.field == "cors_origins"


@pytest.mark.django_db
def test_change_is_audited_and_reaches_the_gateway_without_review() -> None:
    api = make_api("active")
    fields = ListingFields(cors_origins=["https://App.example.com/"], timeout_class="short")

    update_api(api=api, fields=fields, actor=actor_of(make_member("owner", api.organization)))

    event = AuditEvent.objects.get(action="apis:api:updated")
    assert event.before == {"cors_origins": [], "timeout_class": "standard"}
    assert event.after == {"cors_origins": ["https://app.example.com"], "timeout_class": "short"}
    held = RegistryEntry.objects.get(kind=EntryKind.ROUTE, subject_id=api.pk).payload
    assert held is not None
    assert (held["cors_origins"], held["timeout"]) == (["https://app.example.com"], "short")


@pytest.mark.django_db
def test_rest_and_form_set_both(
    api_client: Callable[..., APIClient],
    client_for: Callable[..., Client],
) -> None:
    member = make_member("owner", OrganizationFactory())
    api = ApiFactory(organization=member.organization)
    rest, browser = api_client(member), client_for(member)
    url = f"/api/v1/provider/apis/{api.public_id}/"

    answer = rest.patch(url, {"cors_origins": ["*"], "timeout_class": "long"})
    refused = rest.patch(url, {"cors_origins": ["https://a.example/x"]})
    unknown = rest.patch(url, {"timeout_class": "eternal"})
    page = browser.get(f"/console/provider/apis/{api.public_id}/upstream/")
    form = page.context["form"]
    initial = {name: value for name, value in form.initial.items() if value is not None}
    body = {**initial, "cors_origins": "https://a.example,\nhttps://b.example"}
    saved = browser.post(f"/console/provider/apis/{api.public_id}/upstream/", body)
    wrong = browser.post(
        f"/console/provider/apis/{api.public_id}/upstream/", {**body, "cors_origins": "a.example"}
    )

    assert (answer.json()["cors_origins"], answer.json()["timeout_class"]) == (["*"], "long")
    assert (refused.status_code, unknown.status_code) == (400, 400)
    assert refused.json()["errors"][0]["pointer"] == "/cors_origins"
    assert form.initial["cors_origins"] == "*"
    assert saved.status_code == 302
    api.refresh_from_db()
    assert (api.cors_origins, api.timeout_class) == (
        ["https://a.example", "https://b.example"],
        "long",
    )
    assert "is not an origin" in wrong.content.decode()
    shown = browser.get(f"/console/provider/apis/{api.public_id}/").content.decode()
    assert "https://b.example" in shown
