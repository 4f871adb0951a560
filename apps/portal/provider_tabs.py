"""The pages of one API on its provider's side."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.apis.models import Api


def tabs_of(api: Api) -> list[dict[str, Any]]:
    """Return what `{% tabs %}` needs."""
    pages = [
        ("portal:provider_api", _("Overview")),
        ("portal:provider_api_versions", _("Versions")),
        ("portal:provider_api_health", _("Health")),
        ("portal:provider_api_access", _("Access")),
        ("portal:provider_api_domains", _("Domains")),
        ("portal:provider_api_meters", _("Meters")),
        ("portal:provider_api_history", _("History")),
    ]
    return [{"label": label, "url": reverse(route, args=[api.public_id])} for route, label in pages]
