"""One delivery: what was sent, every attempt, and sending it again."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import DomainError
from apps.notifications.constants import MANAGE_WEBHOOKS
from apps.notifications.enums import EndpointStatus
from apps.notifications.selectors.webhooks import get_delivery
from apps.notifications.services.replays import replay_delivery
from apps.notifications.signing import payload_of

ROUTE = "notifications:webhook_delivery"


@console_page(MANAGE_WEBHOOKS)
@require_safe
def delivery(request: ConsoleRequest, delivery_id: str) -> HttpResponse:
    """Show a delivery."""
    row = get_delivery(request.actor, delivery_id)
    endpoint_url = reverse("notifications:webhook", args=[row.endpoint.public_id])
    payload = payload_of(row.event, row.endpoint)
    context = {
        "delivery": row,
        "attempts": list(row.attempts.all()),
        "payload": json.dumps(payload, indent=2, ensure_ascii=False),
        "can_replay": not row.is_open and row.endpoint.status == EndpointStatus.ACTIVE,
        "crumbs": [
            (_("Webhooks"), reverse("notifications:webhooks")),
            (row.endpoint.short_name, endpoint_url),
            (row.event.type, ""),
        ],
    }
    return render(request, "notifications/webhook_delivery.html", context)


@console_page(MANAGE_WEBHOOKS)
@require_POST
def replay(request: ConsoleRequest, delivery_id: str) -> HttpResponse:
    """Send it once more."""
    row = get_delivery(request.actor, delivery_id)
    try:
        replay_delivery(delivery=row, actor=request.actor)
        messages.success(request, _("The message is sent again."))
    except DomainError as error:
        messages.error(request, str(error.detail))
    return redirect(ROUTE, row.public_id)
