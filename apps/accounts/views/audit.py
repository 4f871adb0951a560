"""What happened in the organization."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse
from django.shortcuts import render

from apps.accounts import selectors
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import AuditEvent

PAGE_SIZE = 50


@console_page("audit.read")
def audit_log(request: ConsoleRequest) -> HttpResponse:
    """List audit events, newest first; older ones by cursor, so that no page counts them all."""
    rows = selectors.audit_events_of(request.actor).order_by("-id")
    action = request.GET.get("action", "")
    if action:
        rows = rows.filter(action=action)
    with suppress(
        KeyError, InvalidPublicIdError
    ):  # the first page; a broken cursor leads there too
        rows = rows.filter(pk__lt=parse_public_id(AuditEvent.id_prefix, request.GET["cursor"]))
    page = list(rows[: PAGE_SIZE + 1])
    cursors = {"next": page[PAGE_SIZE - 1].public_id if len(page) > PAGE_SIZE else ""}
    context = {"events": page[:PAGE_SIZE], "cursors": cursors, "action": action}
    return render(request, "accounts/audit_log.html", context)
