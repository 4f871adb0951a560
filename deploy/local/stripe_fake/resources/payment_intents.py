"""/v1/payment_intents: the state machine from `requires_payment_method` to `succeeded`."""

from __future__ import annotations

from typing import Final

from deploy.local.stripe_fake import cards
from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.events import emit
from deploy.local.stripe_fake.ids import new_id, now, random_token
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources import intents
from deploy.local.stripe_fake.resources.charges import capture_charge, create_charge
from deploy.local.stripe_fake.resources.disputes import open_dispute
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, render, shape

URL = "/v1/payment_intents"
CONFIRMABLE: Final = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action"}
)
CANCELABLE: Final = CONFIRMABLE | {"requires_capture", "processing"}
UPDATABLE: Final = CANCELABLE
MAX_AMOUNT = 99_999_999
# Smallest charge in minor units, for the currencies whose minimum is not 50.
MINIMUM_AMOUNTS = {"gbp": 30, "jpy": 50, "inr": 50, "mxn": 1000, "sek": 300, "huf": 17500}


@operation("POST", URL, "PaymentIntentCreateParams")
def create_payment_intent(call: Call) -> Json:
    """Create an intent, and confirm it when asked to.

    Raises:
        CardError: It was confirmed and refused; intent and failed charge are kept.
    """
    _check_amount(call.params["amount"], call.params["currency"].lower())
    if call.params.get("off_session") and not call.params.get("confirm"):
        raise StripeError(
            "The `off_session` parameter can only be passed when `confirm` is true.",
            param="off_session",
        )
    intents.check_customer_exists(call)
    intent = _new_intent(call)
    method = intents.chosen_method(call, intent)
    if method:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    emit(call, "payment_intent.created", call.store.save(intent))
    return _confirm(call, intent) if call.params.get("confirm") else intent


def _new_intent(call: Call) -> Json:
    intent_id = new_id("pi")
    fields: Json = {
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    }
    fields |= copy_params("payment_intent", call.params) | intents.methods_configuration(
        call.params
    )
    fields |= {
        "amount_capturable": 0,
        "amount_received": 0,
        "client_secret": f"{intent_id}_secret_{random_token(25)}",
        "currency": call.params["currency"].lower(),
        "metadata": merge_metadata({}, call.params.get("metadata")),
        "payment_method": None,
        "status": "requires_payment_method",
    }
    return shape(
        "payment_intent", id=intent_id, _return_url=call.params.get("return_url"), **fields
    )


def _check_amount(amount: int, currency: str) -> None:
    if amount < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount < MINIMUM_AMOUNTS.get(currency, 50):
        raise StripeError(
            "Amount must convert to at least 50 cents.", code="amount_too_small", param="amount"
        )
    if amount > MAX_AMOUNT:
        raise StripeError(
            f"Amount must be no more than {MAX_AMOUNT} {currency}",
            code="amount_too_large",
            param="amount",
        )


@operation("GET", f"{URL}/{{id}}", "PaymentIntentRetrieveParams")
def retrieve_payment_intent(call: Call) -> Json:
    """Return an intent."""
    return call.fetch("payment_intent")


@operation("GET", URL, "PaymentIntentListParams")
def list_payment_intents(call: Call) -> Json:
    """List intents, newest first."""
    return list_objects(call, "payment_intent", URL, filters=("customer",))


@operation("POST", f"{URL}/{{id}}", "PaymentIntentModifyParams")
def update_payment_intent(call: Call) -> Json:
    """Change an intent that is not finished; a finished one takes only metadata and texts."""
    intent = call.fetch("payment_intent")
    if set(call.params) - {"metadata", "description"}:
        intents.require_status(intent, "update", UPDATABLE)
    intents.check_customer_exists(call)
    intent = intents.updated_metadata(call, intent | copy_params("payment_intent", call.params))
    _check_amount(intent["amount"], intent["currency"])
    if "payment_method" in call.params and (method := intents.chosen_method(call, intent)):
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return call.store.save(intent)


@operation("POST", f"{URL}/{{id}}/confirm", "PaymentIntentConfirmParams")
def confirm_payment_intent(call: Call) -> Json:
    """Try to pay.

    Raises:
        CardError: The issuer refused; the intent is back at `requires_payment_method`.
    """
    intent = call.fetch("payment_intent")
    intents.require_status(intent, "confirm", CONFIRMABLE)
    return _confirm(call, intent | copy_params("payment_intent", call.params))


def _confirm(call: Call, intent: Json) -> Json:
    intents.require_return_url(intent, call.params)
    method = intents.chosen_method(call, intent)
    if method is None:
        raise StripeError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            details={"payment_intent": render(intent)},
        )
    intent["payment_method"] = method["id"]
    off_session = call.params.get("off_session") not in (None, False)
    card = cards.card_of(method)
    needs_holder = cards.needs_authentication(
        card, off_session=off_session, was_set_up=method["_set_up"]
    )
    if needs_holder and off_session:
        return _refuse(call, intent, method, cards.AUTHENTICATION_REQUIRED)
    if needs_holder:
        intent |= {
            "status": "requires_action",
            "next_action": intents.authentication_step(call, intent),
        }
        emit(call, "payment_intent.requires_action", call.store.save(intent))
        return intent
    return settle(call, intent, method)


def settle(call: Call, intent: Json, method: Json) -> Json:
    """Charge the card of an intent whose holder need not (or did) authenticate.

    Raises:
        CardError: The issuer refused.
    """
    card = cards.card_of(method)
    if card.decline:
        return _refuse(call, intent, method, card.decline)
    if intent["setup_future_usage"]:
        method = intents.save_for_later(call, intent, method)
    elif not method["customer"]:
        call.store.save(method | {"_used": True})
    captured = intent["capture_method"] != "manual"
    charge = create_charge(call, intent, method, captured=captured)
    intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
    if captured:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        emit(call, "payment_intent.succeeded", call.store.save(intent))
        if card.aftermath is cards.Aftermath.DISPUTE:
            open_dispute(call, charge)
    else:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        emit(call, "payment_intent.amount_capturable_updated", call.store.save(intent))
    return intent


def _refuse(call: Call, intent: Json, method: Json, decline: cards.Decline) -> Json:
    """Keep the failed charge, send the intent back for another card, and raise the 402."""
    charge = create_charge(call, intent, method, captured=False, decline=decline)
    intent |= {
        "latest_charge": charge["id"],
        "last_payment_error": intents.failure(decline, method, charge=charge["id"]),
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    emit(call, "payment_intent.payment_failed", call.store.save(intent))
    raise cards.card_error(
        decline,
        charge=charge["id"],
        payment_intent=render(intent),
        payment_method=render(method),
    )


def fail_authentication(call: Call, intent: Json) -> Json:
    """Record that the holder did not authenticate."""
    method = call.store.find("payment_method", intent["payment_method"]) or {}
    intent |= {
        "last_payment_error": intents.failure(cards.AUTHENTICATION_FAILED, method),
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    emit(call, "payment_intent.payment_failed", call.store.save(intent))
    return intent


@operation("POST", f"{URL}/{{id}}/capture", "PaymentIntentCaptureParams")
def capture_payment_intent(call: Call) -> Json:
    """Take the held money, all or part of it; the rest is let go."""
    intent = call.fetch("payment_intent")
    intents.require_status(intent, "capture", frozenset({"requires_capture"}))
    amount: int = call.params.get("amount_to_capture") or intent["amount_capturable"]
    if not 0 < amount <= intent["amount_capturable"]:
        raise StripeError(
            f"The requested capture amount is greater than the authorized amount of "
            f"{intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    intent |= {"amount_capturable": 0, "amount_received": amount, "status": "succeeded"}
    intent = intents.updated_metadata(call, intent)
    capture_charge(call, intent, amount)
    emit(call, "payment_intent.succeeded", call.store.save(intent))
    return intent


@operation("POST", f"{URL}/{{id}}/cancel", "PaymentIntentCancelParams")
def cancel_payment_intent(call: Call) -> Json:
    """Give up an intent; held money is let go."""
    intent = call.fetch("payment_intent")
    intents.require_status(intent, "cancel", CANCELABLE)
    intent |= {
        "amount_capturable": 0,
        "canceled_at": now(),
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
        "status": "canceled",
    }
    emit(call, "payment_intent.canceled", call.store.save(intent))
    return intent
