"""Portal pages of what an organization sends itself: its batches, what became of each event, what was rejected."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core import clock
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.usage import selectors
from apps.usage.constants import INTAKE_SHOWN_FOR
from apps.usage.intake_forms import RejectionFilter, SentEventFilter
from apps.usage.models import RejectedEvent
from apps.usage.selectors.fates import SentEvent

BATCHES_SHOWN: Final = 25
REJECTIONS_SHOWN: Final = 10
PAGE_SIZE: Final = 50


@console_page("apis.read")
@require_GET
def intake(request: ConsoleRequest) -> HttpResponse:
    """Answer how much was taken of what the organization sent today; then batches and rejections."""
    since = clock.now() - INTAKE_SHOWN_FOR
    batches = selectors.batches_of(request.actor)
    rejections = selectors.rejections_of(request.actor)
    rows = list(batches.order_by("-id")[:BATCHES_SHOWN])
    context = {
        "rows": rows,
        "taken": batches.filter(created_at__gte=since).aggregate(sum=Sum("event_count"))["sum"]
        or 0,
        "rejected": rejections.filter(created_at__gte=since).count(),
        "rejections": rejections.order_by("-id")[:REJECTIONS_SHOWN] if rows else [],
        "url": request.build_absolute_uri(reverse("usage-events")),
    }
    return render(request, "usage/intake.html", context)


@console_page("apis.read")
@require_GET
def intake_batch(request: ConsoleRequest, batch_id: str) -> HttpResponse:
    """Show what became of each event of a batch."""
    batch = selectors.get_batch(request.actor, batch_id)
    form = SentEventFilter(request.GET)
    cursor = request.GET.get("cursor", "")
    found = selectors.fates_of(
        batch,
        fate=form.fate,
        after=int(cursor) if cursor.isdecimal() else -1,
        limit=PAGE_SIZE + 1,
    )
    context = {
        "batch": batch,
        "form": form,
        "events": found[:PAGE_SIZE],
        "cursors": {"next": _next_cursor(found)},
        "crumbs": [(_("Usage intake"), reverse("usage:intake")), (batch.public_id, "")],
    }
    return render(request, "usage/intake_batch.html", context)


@console_page("apis.read")
@require_GET
def intake_rejections(request: ConsoleRequest) -> HttpResponse:
    """List what was not taken, with the reason and what was sent."""
    form = RejectionFilter(request.GET)
    rows = selectors.rejections_of(request.actor, **form.chosen)
    with suppress(InvalidPublicIdError):  # the first page; a broken cursor leads there too
        cursor = parse_public_id(RejectedEvent.id_prefix, request.GET.get("cursor", ""))
        rows = rows.filter(pk__lt=cursor)
    page = list(rows[: PAGE_SIZE + 1])
    more = page[PAGE_SIZE - 1].public_id if len(page) > PAGE_SIZE else ""
    context = {
        "form": form,
        "rows": page[:PAGE_SIZE],
        "cursors": {"next": more},
        "crumbs": [(_("Usage intake"), reverse("usage:intake")), (_("Rejected events"), "")],
    }
    return render(request, "usage/intake_rejections.html", context)


def _next_cursor(found: list[SentEvent]) -> str:
    return str(found[PAGE_SIZE - 1].index) if len(found) > PAGE_SIZE else ""
