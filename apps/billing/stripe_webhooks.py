"""Stripe's webhooks: dj-stripe verifies, stores and mirrors them; here they only wake the outbox.

dj-stripe calls these handlers in the transaction that stores the event, once per event id. So a replayed event changes
nothing, and an event that is stored is an event that will be acted on.
"""

from __future__ import annotations

from typing import Any, Final

from djstripe.event_handlers import djstripe_receiver
from djstripe.models import Event

from apps.billing.topics import CHARGE_TOPIC, METHOD_TOPIC, REFUND_TOPIC, STRIPE_TOPIC
from apps.core import outbox

PAYMENT_EVENTS: Final = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.canceled",
]
REFUND_EVENTS: Final = [
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
]


@djstripe_receiver(PAYMENT_EVENTS)  # type: ignore[untyped-decorator]  # of dj-stripe
def wake_payment_sync(sender: type[Event], event: Event, **_kwargs: Any) -> None:  # noqa: ARG001
    """Write down that a payment changed at Stripe; the relay asks for its state."""
    reference = event.data["object"]["id"]
    outbox.enqueue(STRIPE_TOPIC, {"reference": reference}, key=f"stripe:{reference}")


@djstripe_receiver(REFUND_EVENTS)  # type: ignore[untyped-decorator]  # of dj-stripe
def wake_refund_sync(sender: type[Event], event: Event, **_kwargs: Any) -> None:  # noqa: ARG001
    """Write down that a refund changed at Stripe; the relay asks for its state."""
    reference = event.data["object"]["id"]
    outbox.enqueue(REFUND_TOPIC, {"reference": reference}, key=f"stripe:{reference}")


@djstripe_receiver("charge.refunded")  # type: ignore[untyped-decorator]  # of dj-stripe
def wake_charge_sync(sender: type[Event], event: Event, **_kwargs: Any) -> None:  # noqa: ARG001
    """Write down that a charge was refunded; the relay asks for all its refunds."""
    reference = event.data["object"].get("payment_intent")
    if reference:
        outbox.enqueue(CHARGE_TOPIC, {"reference": reference}, key=f"stripe:{reference}")


@djstripe_receiver("setup_intent.succeeded")  # type: ignore[untyped-decorator]  # of dj-stripe
def wake_method_sync(sender: type[Event], event: Event, **_kwargs: Any) -> None:  # noqa: ARG001
    """Write down that a payer saved a method, perhaps on a page that they never came back from."""
    intent = event.data["object"]
    if intent.get("customer") and intent.get("payment_method"):
        outbox.enqueue(
            METHOD_TOPIC,
            {"customer_id": intent["customer"], "method_reference": intent["payment_method"]},
            key=f"stripe:{intent['payment_method']}",
        )
