"""What payment intents and setup intents share: payment methods, return URLs, authentication."""

from __future__ import annotations

from typing import Any

from deploy.local.stripe_fake import cards
from deploy.local.stripe_fake.calls import Call, Json
from deploy.local.stripe_fake.errors import StripeError, unexpected_state
from deploy.local.stripe_fake.resources.payment_methods import attach, read_card, resolve
from deploy.local.stripe_fake.shapes import merge_metadata, render

AUTHENTICATION_PATH = "/pay/authenticate"


def check_customer_exists(call: Call) -> None:
    """Refuse a `customer` parameter that names nobody."""
    call.reference("customer", "customer")


def methods_configuration(params: Json) -> Json:
    """Return `automatic_payment_methods` and `payment_method_types` of a new intent.

    Naming neither means automatic methods, as in current API versions.
    """
    automatic = params.get("automatic_payment_methods") or {}
    if "payment_method_types" in params:
        if automatic.get("enabled"):
            raise StripeError(
                "You may only specify one of these parameters: automatic_payment_methods, "
                "payment_method_types."
            )
        return {
            "automatic_payment_methods": None,
            "payment_method_types": params["payment_method_types"],
        }
    if automatic.get("enabled", True):
        redirects = automatic.get("allow_redirects", "always")
        enabled = {"allow_redirects": redirects, "enabled": True}
        return {"automatic_payment_methods": enabled, "payment_method_types": ["card"]}
    return {"automatic_payment_methods": None, "payment_method_types": ["card"]}


def chosen_method(call: Call, intent: Json) -> Json | None:
    """Return the payment method given now or before, or None.

    Raises:
        StripeError: It is unknown, used up, or belongs to another customer.
    """
    if "payment_method_data" in call.params:
        return call.store.save(read_card(call.params["payment_method_data"]))
    given = call.params.get("payment_method") or intent["payment_method"]
    if not given:
        return None
    method = resolve(call, given)
    if method["customer"] and method["customer"] != intent["customer"]:
        raise StripeError(
            "The provided PaymentMethod cannot be attached to this intent: the payment method "
            "belongs to a Customer. Please include the Customer in the `customer` parameter."
            if not intent["customer"]
            else f"The customer does not have a payment method with the ID {method['id']}. The "
            "payment method must be attached to the customer.",
            code="payment_method_unexpected_state" if not intent["customer"] else None,
            param="payment_method",
        )
    if method.get("_used") and not method["customer"]:
        raise StripeError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, or was detached from a Customer. It may not be used again.",
            param="payment_method",
        )
    return method


def require_return_url(intent: Json, params: Json) -> None:
    """Refuse to confirm with redirecting methods but nowhere to come back to."""
    automatic = intent["automatic_payment_methods"]
    redirects = automatic and automatic["allow_redirects"] == "always"
    if redirects and not any(
        params.get(name) for name in ("return_url", "off_session", "use_stripe_sdk")
    ):
        raise StripeError(
            f"This {_noun(intent)} is configured to accept payment methods enabled in your "
            "Dashboard. Because some of these payment methods might redirect your customer off "
            "of your page, you must provide a `return_url`. If you don't want to accept "
            "redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` "
            "and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup "
            "Intents and Payment Intents."
        )


def authentication_step(call: Call, intent: Json) -> Json:
    """Return the `next_action` that sends the holder to the issuer's page."""
    return_url = call.params.get("return_url") or intent.get("_return_url")
    page = f"{call.base_url}{AUTHENTICATION_PATH}/{intent['client_secret']}"
    if return_url:
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": page},
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": page},
    }


def save_for_later(call: Call, intent: Json, method: Json) -> Json:
    """Attach the card to the intent's customer and remember that it was set up."""
    customer = call.store.find("customer", intent["customer"] or "")
    if customer:
        method = attach(call, method, customer)
    method["_set_up"] = True
    return call.store.save(method)


def failure(decline: cards.Decline, method: Json, **details: Any) -> Json:
    """Return `last_payment_error` or `last_setup_error`."""
    error = cards.card_error(decline, payment_method=render(method), **details)
    return {
        "code": error.code,
        "message": error.message,
        "type": error.type,
        **({"param": error.param} if error.param else {}),
        **error.details,
    }


def require_status(intent: Json, move: str, allowed: frozenset[str]) -> None:
    """Refuse a move that the intent's status does not allow.

    Raises:
        StripeError: 400 `payment_intent_unexpected_state` or `setup_intent_unexpected_state`.
    """
    if intent["status"] in allowed:
        return
    kind = intent["object"]
    raise unexpected_state(
        f"You cannot {move} this {_noun(intent)} because it has a status of {intent['status']}. "
        f"Only a {_noun(intent)} with one of the following statuses may be {_done(move)}: "
        f"{', '.join(sorted(allowed))}.",
        f"{kind}_unexpected_state",
        **{kind: render(intent)},
    )


def _noun(intent: Json) -> str:
    return "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"


def _done(move: str) -> str:
    return {"cancel": "canceled", "update": "updated"}.get(move, f"{move.removesuffix('e')}ed")


def updated_metadata(call: Call, before: Json) -> Json:
    """Return the intent with the metadata of this call merged in."""
    if "metadata" not in call.params:
        return before
    return before | {"metadata": merge_metadata(before["metadata"], call.params["metadata"])}
