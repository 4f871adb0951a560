"""Routes of the portal's own pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from apps.portal.access_urls import access_routes
from apps.portal.views import (
    catalogue,
    console,
    preferences,
    provider_apis,
    provider_moves,
    styleguide,
)

app_name = "portal"
PROVIDER_API = "console/provider/apis/<str:api_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", catalogue.home, name="home"),
    path("apis/", catalogue.catalogue, name="catalogue"),
    path("apis/<slug:slug>/", catalogue.api_page, name="api"),
    path("console/", console.home, name="console"),
    path("console/provider/apis/", provider_apis.api_list, name="provider_apis"),
    path("console/provider/apis/new/", provider_apis.create, name="provider_api_create"),
    path(PROVIDER_API, provider_apis.api_page, name="provider_api"),
    path(f"{PROVIDER_API}listing/", provider_apis.listing, name="provider_api_listing"),
    path(f"{PROVIDER_API}upstream/", provider_apis.upstream, name="provider_api_upstream"),
    path(f"{PROVIDER_API}import/", provider_apis.import_document, name="provider_api_import"),
    path(f"{PROVIDER_API}submit/", provider_moves.submit, name="provider_api_submit"),
    path(f"{PROVIDER_API}check/", provider_moves.check_upstream, name="provider_api_check"),
    path(f"{PROVIDER_API}retry/", provider_moves.retry, name="provider_api_retry"),
    path(f"{PROVIDER_API}resume/", provider_moves.resume, name="provider_api_resume"),
    path(f"{PROVIDER_API}suspend/", provider_moves.suspend, name="provider_api_suspend"),
    path(f"{PROVIDER_API}withdraw/", provider_moves.withdraw, name="provider_api_withdraw"),
    path(f"{PROVIDER_API}answer/", provider_moves.answer, name="provider_api_answer"),
    path(f"{PROVIDER_API}secrets/", provider_moves.set_secret, name="provider_api_set_secret"),
    path(
        f"{PROVIDER_API}secrets/<str:secret_id>/delete/",
        provider_moves.delete_secret,
        name="provider_api_delete_secret",
    ),
    *access_routes,
    path("preferences/language/", require_POST(set_language), name="set_language"),
    path("preferences/theme/", preferences.set_theme, name="set_theme"),
    path("preferences/tenant/", preferences.switch_tenant, name="switch_tenant"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
