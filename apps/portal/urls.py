"""Routes of the portal's own pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from apps.portal.views import preferences, styleguide

app_name = "portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("preferences/language/", require_POST(set_language), name="set_language"),
    path("preferences/theme/", preferences.set_theme, name="set_theme"),
    path("preferences/tenant/", preferences.switch_tenant, name="switch_tenant"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
