"""/v1/setup_intents: saving a card for later, with the holder's consent."""

from __future__ import annotations

from typing import Final

from deploy.local.stripe_fake import cards
from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.events import emit
from deploy.local.stripe_fake.ids import new_id, random_token
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources import intents
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, render, shape

URL = "/v1/setup_intents"
OPEN: Final = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


@operation("POST", URL, "SetupIntentCreateParams")
def create_setup_intent(call: Call) -> Json:
    """Create an intent, and confirm it when asked to.

    Raises:
        CardError: It was confirmed and refused; the intent is kept.
    """
    intents.check_customer_exists(call)
    intent = new_setup_intent(call.params)
    method = intents.chosen_method(call, intent)
    if method:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    emit(call, "setup_intent.created", call.store.save(intent))
    return _confirm(call, intent) if call.params.get("confirm") else intent


def new_setup_intent(params: Json) -> Json:
    """Return an unsaved setup intent."""
    intent_id = new_id("seti")
    fields = copy_params("setup_intent", params) | intents.methods_configuration(params)
    fields |= {
        "client_secret": f"{intent_id}_secret_{random_token(25)}",
        "metadata": merge_metadata({}, params.get("metadata")),
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
    return shape("setup_intent", id=intent_id, _return_url=params.get("return_url"), **fields)


@operation("GET", f"{URL}/{{id}}", "SetupIntentRetrieveParams")
def retrieve_setup_intent(call: Call) -> Json:
    """Return an intent."""
    return call.fetch("setup_intent")


@operation("GET", URL, "SetupIntentListParams")
def list_setup_intents(call: Call) -> Json:
    """List intents, newest first."""
    return list_objects(call, "setup_intent", URL, filters=("customer", "payment_method"))


@operation("POST", f"{URL}/{{id}}", "SetupIntentModifyParams")
def update_setup_intent(call: Call) -> Json:
    """Change an intent that is not finished."""
    intent = call.fetch("setup_intent")
    if set(call.params) - {"metadata", "description"}:
        intents.require_status(intent, "update", OPEN)
    intents.check_customer_exists(call)
    intent = intents.updated_metadata(call, intent | copy_params("setup_intent", call.params))
    if "payment_method" in call.params and (method := intents.chosen_method(call, intent)):
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return call.store.save(intent)


@operation("POST", f"{URL}/{{id}}/confirm", "SetupIntentConfirmParams")
def confirm_setup_intent(call: Call) -> Json:
    """Try to save the card.

    Raises:
        CardError: The issuer refused; the intent is back at `requires_payment_method`.
    """
    intent = call.fetch("setup_intent")
    intents.require_status(intent, "confirm", OPEN)
    return _confirm(call, intent)


def _confirm(call: Call, intent: Json) -> Json:
    intents.require_return_url(intent, call.params)
    method = intents.chosen_method(call, intent)
    if method is None:
        raise StripeError(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the "
            "SetupIntent with a payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
            details={"setup_intent": render(intent)},
        )
    intent["payment_method"] = method["id"]
    if cards.card_of(method).authentication is not cards.Authentication.NEVER:
        intent |= {
            "status": "requires_action",
            "next_action": intents.authentication_step(call, intent),
        }
        emit(call, "setup_intent.requires_action", call.store.save(intent))
        return intent
    return complete(call, intent, method)


def complete(call: Call, intent: Json, method: Json) -> Json:
    """Save the card of an intent whose holder need not (or did) authenticate.

    Raises:
        CardError: The issuer refused.
    """
    card = cards.card_of(method)
    if card.decline and not card.attachable:
        _record_failure(call, intent, method, card.decline)
        raise cards.card_error(
            card.decline, setup_intent=render(intent), payment_method=render(method)
        )
    intents.save_for_later(call, intent, method)
    intent |= {"last_setup_error": None, "next_action": None, "status": "succeeded"}
    emit(call, "setup_intent.succeeded", call.store.save(intent))
    return intent


def fail_authentication(call: Call, intent: Json) -> Json:
    """Record that the holder did not authenticate."""
    method = call.store.find("payment_method", intent["payment_method"]) or {}
    decline = cards.Decline(
        "setup_intent_authentication_failure", cards.AUTHENTICATION_FAILED.message
    )
    return _record_failure(call, intent, method, decline)


def _record_failure(call: Call, intent: Json, method: Json, decline: cards.Decline) -> Json:
    intent |= {
        "last_setup_error": intents.failure(decline, method),
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    emit(call, "setup_intent.setup_failed", call.store.save(intent))
    return intent


@operation("POST", f"{URL}/{{id}}/cancel", "SetupIntentCancelParams")
def cancel_setup_intent(call: Call) -> Json:
    """Give up an intent."""
    intent = call.fetch("setup_intent")
    intents.require_status(intent, "cancel", OPEN)
    intent |= {
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
        "status": "canceled",
    }
    emit(call, "setup_intent.canceled", call.store.save(intent))
    return intent
