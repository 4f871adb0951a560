"""What crawlers read first: which pages there are, and which are none of their business.

Addresses begin with PUBLIC_URL, whatever host was asked. Of the APIs only those are named that the catalogue lists.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.apis import selectors
from apps.portal.seo import absolute, category_path

# A file may hold fifty thousand addresses; fewer keep its query and its size small.
ROWS: Final = 5000
PAGES_SECTION: Final = "pages"
APIS_PREFIX: Final = "apis-"
HIDDEN_PATHS: Final = (
    "/console/",
    "/backoffice/",
    "/accounts/",
    "/api/",
    "/internal/",
    "/preferences/",
)
XML: Final = "application/xml"


class Entry(NamedTuple):
    """One address of the sitemap."""

    location: str
    changed_at: datetime | None = None


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Name the files of the sitemap."""
    files = math.ceil(selectors.load_shelves().total / ROWS)
    sections = [PAGES_SECTION, *(f"{APIS_PREFIX}{number}" for number in range(1, files + 1))]
    entries = [Entry(absolute(reverse("portal:sitemap", args=[section]))) for section in sections]
    return render(request, "catalogue/sitemap_index.xml", {"entries": entries}, content_type=XML)


@require_safe
def section(request: HttpRequest, section: str) -> HttpResponse:
    """List the addresses of one file: the fixed pages, or five thousand APIs."""
    if section == PAGES_SECTION:
        entries = list(_pages())
    else:
        number = section.removeprefix(APIS_PREFIX)
        if not section.startswith(APIS_PREFIX) or not number.isdecimal() or len(number) > 4:
            raise Http404
        entries = list(_apis(int(number)))
    if not entries:
        raise Http404
    return render(request, "catalogue/sitemap.xml", {"entries": entries}, content_type=XML)


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """Keep crawlers out of pages that need an account, and show them the sitemap."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in HIDDEN_PATHS)]
    lines += ["", f"Sitemap: {absolute(reverse('portal:sitemap_index'))}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def _pages() -> Iterator[Entry]:
    yield Entry(absolute("/"))
    yield Entry(absolute(reverse("portal:catalogue")))
    for shelf in selectors.list_shelves():
        if shelf.api_count:
            yield Entry(absolute(category_path(shelf.category)))


def _apis(number: int) -> Iterator[Entry]:
    start = (number - 1) * ROWS
    if start < 0:
        return
    for slug, changed_at in selectors.list_sitemap_rows()[start : start + ROWS]:
        yield Entry(absolute(reverse("portal:api", args=[slug])), changed_at)
