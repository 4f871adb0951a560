"""The provider's pages of versions, imports, access and updates in a browser: three looks, no serious violation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from apps.apis import services
from apps.core.actors import Actor
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db(transaction=True)

SYSTEM = Actor.system("test")


def document(version: str, *names: str) -> bytes:
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "Weather", "version": version},
            "paths": {f"/{name}": {"get": {"responses": {}}} for name in names},
        }
    ).encode()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_pages_of_a_live_api(
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    api = make_api("active", name="City weather", visibility="private")
    member = make_member("developer", api.organization)
    actor = actor_of(member)
    services.import_openapi(api=api, content=document("1.0", "now", "later"), actor=SYSTEM)
    version = services.create_version(api=api, name="2.0", changelog="**New**", actor=SYSTEM)
    done = services.prepare_import(api=api, content=document("1.1", "now", "soon"), actor=actor)
    services.add_required_header(api=api, name="X-Region", description="Where", actor=SYSTEM)
    guest = OrganizationFactory(name="Harbour office")
    services.grant_access(api=api, organization_id=guest.public_id, actor=actor)
    services.update_api(api=api, fields={"upstream_url": "https://b.example.com"}, actor=actor)
    first = services.add_domain(api=api, hostname="weather.example.org", actor=actor)
    services.confirm_domain(domain=first, actor=SYSTEM)
    services.add_domain(api=api, hostname="api.forecasts.example.org", actor=actor)
    assert done.row is not None
    context = open_context(look)
    sign_in(context, member, live_server.url)
    page = watched(context.new_page())
    pages: dict[str, list[str]] = {
        "provider_api": [],
        "provider_api_versions": [],
        "provider_api_version": [version.public_id],
        "provider_api_import_review": [done.row.public_id],
        "provider_api_access": [],
        "provider_api_history": [],
        "provider_api_listing": [],
        "provider_api_upstream": [],
        "provider_api_domains": [],
        "provider_api_logo": [],
        "provider_api_retire": [],
    }

    for route, more in pages.items():
        path = reverse(f"portal:{route}", args=[api.public_id, *more])
        look_at(page, path, route, look, artifacts, find_violations)
