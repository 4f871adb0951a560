"""All routes; each app owns its own pages (`urls`) and endpoints (`api.urls`)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

API_APPS = (
    "accounts",
    "notifications",
    "approvals",
    "apis",
    "pricing",
    "subscriptions",
    "keys",
    "gateway",
    "usage",
    "billing",
    "portal",
)
PAGE_APPS = (*API_APPS, "core")

handler404 = "apps.core.views.not_found"
handler500 = "apps.core.views.server_error"

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("backoffice/", admin.site.urls),
    path("webhooks/stripe/", include("djstripe.urls", namespace="djstripe")),
    *(path("api/v1/", include(f"apps.{app}.api.urls")) for app in API_APPS),
    *(path("", include(f"apps.{app}.urls")) for app in PAGE_APPS),
]
