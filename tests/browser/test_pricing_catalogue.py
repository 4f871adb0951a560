"""The pricing catalogue in a browser: seen in three looks and scanned by axe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from apps.accounts.models import User
from apps.pricing.exceptions import CatalogueInvalid
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision
from deploy.local.state import PROJECT
from tests.apps.pricing.test_catalogue import load
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member, make_staff
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLE = PROJECT / "docs" / "domain" / "pricing-catalogue.example.yaml"


@pytest.fixture
def operator(transactional_db: None, tmp_path: Path, settings: object) -> User:
    """An operator whose catalogue was loaded twice, and then refused."""
    text = EXAMPLE.read_text(encoding="utf-8")
    path = tmp_path / "prices.yaml"
    for price in ("99.99", "89.99"):
        path.write_text(text.replace("99.99", price), encoding="utf-8")
        load(path)
    path.write_text(text.replace("99.99", "-1").replace("trial_days", "trail_days"), "utf-8")
    with pytest.raises(CatalogueInvalid):
        load(path)
    settings.PRICING_CATALOGUE = str(path)  # type: ignore[attr-defined]  # pytest-django's
    return make_staff("operator")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_catalogue_pages(
    look: Look,
    operator: User,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    newest = CatalogueRevision.objects.get(number=2)
    first = CatalogueRevision.objects.get(number=1)
    model = CatalogueModel.objects.get(key="flat-99")
    failed = CatalogueLoad.objects.all()[0]
    pages = {
        "pricing-loads": reverse("admin:pricing_catalogueload_changelist"),
        "pricing-load": reverse("admin:pricing_catalogueload_change", args=[failed.pk]),
        "pricing-revision": reverse("admin:pricing_cataloguerevision_change", args=[newest.pk]),
        "pricing-rollback": reverse("admin:pricing_cataloguerevision_change", args=[first.pk]),
        "pricing-models": reverse("admin:pricing_cataloguemodel_changelist"),
        "pricing-model": reverse("admin:pricing_cataloguemodel_change", args=[model.pk]),
        "pricing-model-new": reverse("admin:pricing_cataloguemodel_add"),
    }
    context = open_context(look)
    sign_in(context, operator, str(live_server))
    page = watched(context.new_page())
    for name, path in pages.items():
        look_at(page, path, name, look, artifacts, find_violations)

    with transaction.atomic():
        member = make_member("owner", make_api().organization)
    context = open_context(look)
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    path = reverse("portal:provider_plan_from_model")
    look_at(page, path, "pricing-from-model", look, artifacts, find_violations)
