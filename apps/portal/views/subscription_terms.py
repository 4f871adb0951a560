"""What follows a subscription's fixed term, at its consumer's wish."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.portal.moves import carry_out
from apps.subscriptions import selectors, services


@console_page("subscriptions.manage")
@require_POST
def auto_renew(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Let another term follow the fixed one, or not."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    wanted = request.POST.get("auto_renew") == "on"
    return carry_out(
        request,
        lambda: services.set_auto_renew(
            subscription=subscription, auto_renew=wanted, actor=request.actor
        ),
        done=_("Another term will follow.") if wanted else _("It ends with its term."),
        back_to=reverse("portal:subscription", args=[subscription.public_id]),
    )
