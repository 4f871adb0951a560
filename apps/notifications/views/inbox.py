"""The inbox of the signed-in person."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.notifications import selectors, services
from apps.notifications.kinds import find_kind

PAGE_SIZE = 30
INBOX = "notifications:inbox"


@console_page(needs_organization=False)
@require_safe
def inbox(request: ConsoleRequest) -> HttpResponse:
    """List what the person was told, newest first."""
    page = Paginator(selectors.own_inbox(request.actor), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    rows = [(row, find_kind(row.kind)) for row in page]
    messages_shown = [
        {
            "row": row,
            "kind": kind,
            "title": kind.title_for(row.context),
            "body": kind.body_for(row.context),
        }
        for row, kind in rows
    ]
    return render(request, "notifications/inbox.html", {"page": page, "shown": messages_shown})


@console_page(needs_organization=False)
@require_POST
def open_notification(request: ConsoleRequest, notification_id: str) -> HttpResponse:
    """Mark a message as read and go where it leads."""
    row = selectors.get_notification(request.actor, notification_id)
    services.mark_read(notification=row, actor=request.actor)
    leads_here = url_has_allowed_host_and_scheme(row.url, allowed_hosts=None)
    return redirect(row.url if row.url and leads_here else INBOX)


@console_page(needs_organization=False)
@require_POST
def read_all(request: ConsoleRequest) -> HttpResponse:
    """Mark everything as read."""
    services.mark_all_read(actor=request.actor)
    return redirect(INBOX)
