"""What search engines and link previews are told about public pages. Pages that not everybody finds tell nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.apis.enums import CALLABLE_STATUSES, Visibility
from apps.apis.models import Api, Category
from apps.apis.templatetags.apis import logo_path

LISTED_STATUSES: Final = frozenset(CALLABLE_STATUSES)
_ESCAPES: Final = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The head of a page: its one address, its preview, and its content as data. Hidden pages have none of it."""

    canonical: str
    title: str
    description: str
    image: str = ""
    is_hidden: bool = False
    data: SafeString | None = None


def absolute(path: str) -> str:
    """Return the public address of a path."""
    return f"{settings.PUBLIC_URL}{path}"


def home_facts(*, title: str, description: str) -> PageFacts:
    """Describe the home page, and where one searches."""
    search = absolute(reverse("portal:catalogue")) + "?q={search_term_string}"
    data = {
        "@type": "WebSite",
        "name": settings.MARKETPLACE_NAME,
        "url": absolute("/"),
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": search},
            "query-input": "required name=search_term_string",
        },
    }
    return PageFacts(absolute("/"), title, description, data=as_json_ld(data))


def catalogue_facts(*, category: Category | None, page: int, is_filtered: bool) -> PageFacts:
    """Describe a page of the catalogue; results of searches and filters are not to be indexed."""
    title = category.name if category else _("APIs")
    description = category.description if category else ""
    description = description or _("All APIs of the marketplace, by what they do.")
    path = category_path(category) if category else reverse("portal:catalogue")
    address = absolute(path) + (f"?page={page}" if page > 1 else "")
    return PageFacts(address, title, description, is_hidden=is_filtered)


def api_facts(api: Api, *, path: str, title: str, description: str) -> PageFacts:
    """Describe an API's page; what is not in the public catalogue is kept out of indexes and previews."""
    if api.status not in LISTED_STATUSES or api.visibility != Visibility.PUBLIC:
        return PageFacts("", title, "", is_hidden=True)
    logo = getattr(api, "logo", None)
    image = absolute(logo_path(api, logo)) if logo else ""
    return PageFacts(
        absolute(path), title, description, image=image, data=as_json_ld(_product(api, image))
    )


def category_path(category: Category) -> str:
    """Return the page of a category."""
    return reverse("portal:category", args=[category.slug])


def _product(api: Api, image: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "@type": "WebAPI",
        "name": api.name,
        "description": api.short_description,
        "url": absolute(reverse("portal:api", args=[api.slug])),
        "documentation": absolute(reverse("portal:api_reference", args=[api.slug])),
        "provider": {"@type": "Organization", "name": api.organization.name},
        "category": api.category.name,
    }
    if image:
        data["image"] = image
    if api.tags:
        data["keywords"] = ", ".join(api.tags)
    if api.terms_url:
        data["termsOfService"] = api.terms_url
    facts = getattr(api, "facts", None)
    if facts and facts.rating_count and facts.rating_average is not None:
        data["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": str(facts.rating_average),
            "reviewCount": facts.rating_count,
        }
    if facts and facts.price_from is not None:
        data["offers"] = {
            "@type": "Offer",
            "price": f"{Decimal(facts.price_from).normalize():f}",
            "priceCurrency": facts.price_currency,
        }
    return data


def as_json_ld(data: dict[str, Any]) -> SafeString:
    """Write data for a script element: what would end the element, or begin another, is escaped."""
    text = json.dumps({"@context": "https://schema.org", **data}, ensure_ascii=False)
    return mark_safe(text.translate(_ESCAPES))  # noqa: S308 -- nothing of HTML is left in it


def favicon() -> str:
    """Return the picture of pages that have none of their own."""
    return absolute(static("img/favicon.svg"))
