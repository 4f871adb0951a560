"""What templates need to show an API: `{% load apis %}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.apis.markdown import render_markdown
from apps.apis.models import Api, ApiLogo, Endpoint
from apps.apis.snippets import curl_for

register = template.Library()


class EndpointGroup(NamedTuple):
    """Operations that belong together."""

    title: str
    endpoints: list[Endpoint]


@register.filter
def markdown(text: str) -> SafeString:
    """Render a provider's text: `{{ api.description|markdown }}`."""
    return render_markdown(text)


@register.simple_tag
def group_endpoints(endpoints: Sequence[Endpoint]) -> list[EndpointGroup]:
    """Group operations by their tag, in the document's order: `{% group_endpoints endpoints as groups %}`."""
    groups: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        groups.setdefault(endpoint.tag, []).append(endpoint)
    untagged = _("Other") if len(groups) > 1 else ""
    return [EndpointGroup(tag or untagged, found) for tag, found in groups.items()]


@register.simple_tag
def gateway_url(api: Api) -> str:
    """Return where an API's calls go: `{% gateway_url api %}`."""
    return f"{settings.GATEWAY_URL}/{api.slug}"


def logo_path(api: Api, logo: ApiLogo | None) -> str:
    """Return where a logo is served from; empty without one."""
    return reverse("portal:api_logo", args=[api.slug, logo.digest]) if logo else ""


@register.inclusion_tag("apis/_logo.html")
def api_logo(api: Api) -> dict[str, str]:
    """Show an API's logo, or its first letters: `{% api_logo api %}`. In lists, load with `with_logo()`."""
    try:
        logo: ApiLogo | None = api.logo
    except ApiLogo.DoesNotExist:
        logo = None
    return {"name": api.name, "url": logo_path(api, logo)}


@register.simple_tag
def curl(endpoint: Endpoint, api: Api) -> str:
    """Return the command that calls an operation: `{% curl endpoint api as command %}`."""
    return curl_for(endpoint, base_url=f"{settings.GATEWAY_URL}/{api.slug}")
