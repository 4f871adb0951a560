"""Where payers come back to from the payment provider's pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

# Stripe puts the session's id in this place.
SESSION_PLACE = "{CHECKOUT_SESSION_ID}"


@dataclass(frozen=True, slots=True)
class ReturnUrls:
    """Where to after a card was entered, and where to after the payer gave up."""

    done: str
    cancelled: str


def portal_return_urls() -> ReturnUrls:
    """Return the portal's own pages."""
    done = f"{settings.PUBLIC_URL}{reverse('billing:method_added')}?session={SESSION_PLACE}"
    return ReturnUrls(done=done, cancelled=f"{settings.PUBLIC_URL}{reverse('billing:home')}")
