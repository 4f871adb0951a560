"""/v1/payment_methods: cards only, made from Stripe's test numbers and `pm_card_…` names."""

from __future__ import annotations

from typing import Any

from deploy.local.stripe_fake import cards
from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError, missing_reference
from deploy.local.stripe_fake.events import changed_fields, emit
from deploy.local.stripe_fake.ids import new_id
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, shape

URL = "/v1/payment_methods"
EXPIRY = (12, 2034)
NO_BILLING_DETAILS: Json = {
    "address": {
        "city": None,
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


def resolve(call: Call, method_id: str, param: str = "payment_method") -> Json:
    """Return the payment method of an id; a `pm_card_…` name makes a fresh one.

    Raises:
        StripeError: 400 `resource_missing`.
    """
    card = cards.find_by_name(method_id, "pm_card_")
    if card is not None:
        return call.store.save(new_card(card))
    found = call.store.find("payment_method", method_id)
    if found is None:
        raise missing_reference("PaymentMethod", method_id, param)
    return found


def new_card(card: cards.Card, **fields: Any) -> Json:
    """Return an unsaved payment method for a test card."""
    month, year = fields.pop("_expiry", EXPIRY)
    return shape(
        "payment_method",
        id=new_id("pm"),
        type="card",
        billing_details=fields.pop("billing_details", NO_BILLING_DETAILS),
        allow_redisplay=fields.pop("allow_redisplay", "unspecified"),
        metadata=fields.pop("metadata", {}),
        card=_card_details(card, month, year),
        _number=card.number,
        _set_up=False,
        **fields,
    )


def _card_details(card: cards.Card, month: int, year: int) -> Json:
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.brand != "diners"},
        "wallet": None,
    }


def attach(call: Call, method: Json, customer: Json) -> Json:
    """Save a card with a customer.

    Raises:
        CardError: The test card is one that issuers refuse at once.
        StripeError: It belongs to another customer.
    """
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] or method.get("_used"):
        raise StripeError(
            "This PaymentMethod was previously used without being attached to a Customer or was "
            "detached from a Customer, and may not be used again."
            if method.get("_used")
            else "The payment method you provided has already been attached to a customer."
        )
    card = cards.card_of(method)
    if card.decline and not card.attachable:
        raise cards.card_error(card.decline)
    method["customer"] = customer["id"]
    emit(call, "payment_method.attached", call.store.save(method))
    return method


def detach(call: Call, method: Json) -> Json:
    """Take a card from its customer; it can never be used again."""
    customer_id = method["customer"]
    method |= {"customer": None, "_used": True}
    customer = call.store.find("customer", customer_id)
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        settings = customer["invoice_settings"] | {"default_payment_method": None}
        call.store.save(customer | {"invoice_settings": settings})
    previous = {"customer": customer_id}
    emit(call, "payment_method.detached", call.store.save(method), previous)
    return method


def read_card(params: Json) -> Json:
    """Return an unsaved payment method from `type`, `card` and `billing_details`.

    Raises:
        CardError: `incorrect_number` for a number that is no test card.
        StripeError: The type is one the fake does not play.
    """
    if params["type"] != "card":
        raise StripeError(f"The local Stripe plays cards only, not {params['type']}.", param="type")
    given = params.get("card") or {}
    if not given:
        raise StripeError("Missing required param: card.", code="parameter_missing", param="card")
    if "token" in given:
        card = cards.find_by_name(given["token"], "tok_")
        if card is None:
            raise missing_reference("token", given["token"], "card[token]")
        expiry = EXPIRY
    else:
        card = cards.BY_NUMBER.get(given.get("number", "").replace(" ", ""))
        expiry = (given.get("exp_month", EXPIRY[0]), given.get("exp_year", EXPIRY[1]))
        if card is None:
            message = "Your card number is incorrect."
            raise cards.card_error(cards.Decline("incorrect_number", message))
    details = params.get("billing_details") or {}
    address = NO_BILLING_DETAILS["address"] | (details.get("address") or {})
    return new_card(
        card,
        _expiry=expiry,
        billing_details=NO_BILLING_DETAILS | details | {"address": address},
        metadata=merge_metadata({}, params.get("metadata")),
        allow_redisplay=params.get("allow_redisplay", "unspecified"),
    )


@operation("POST", URL, "PaymentMethodCreateParams")
def create_payment_method(call: Call) -> Json:
    """Make a card that belongs to nobody yet."""
    return call.store.save(read_card({"type": "card"} | call.params))


@operation("GET", f"{URL}/{{id}}", "PaymentMethodRetrieveParams")
def retrieve_payment_method(call: Call) -> Json:
    """Return a card; a `pm_card_…` name returns a fresh one."""
    if cards.find_by_name(call.path["id"], "pm_card_"):
        return resolve(call, call.path["id"])
    return call.fetch("payment_method")


@operation("POST", f"{URL}/{{id}}", "PaymentMethodModifyParams")
def update_payment_method(call: Call) -> Json:
    """Change billing details, expiry or metadata of a saved card."""
    before = call.fetch("payment_method")
    changes = copy_params("payment_method", call.params)
    changes["card"] = before["card"] | (call.params.get("card") or {})
    details = call.params.get("billing_details") or {}
    changes["billing_details"] = before["billing_details"] | details
    method = before | changes
    if "metadata" in call.params:
        method["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    previous = changed_fields(before, method)
    emit(call, "payment_method.updated", call.store.save(method), previous)
    return method


@operation("POST", f"{URL}/{{id}}/attach", "PaymentMethodAttachParams")
def attach_payment_method(call: Call) -> Json:
    """Save a card with a customer."""
    customer = call.reference("customer", "customer")
    if customer is None:
        raise StripeError(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    if cards.find_by_name(call.path["id"], "pm_card_"):
        method = resolve(call, call.path["id"])
    else:
        method = call.fetch("payment_method")
    return attach(call, method, customer)


@operation("POST", f"{URL}/{{id}}/detach", "PaymentMethodDetachParams")
def detach_payment_method(call: Call) -> Json:
    """Take a card from its customer."""
    method = call.fetch("payment_method")
    if not method["customer"]:
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    return detach(call, method)


@operation("GET", URL, "PaymentMethodListParams")
def list_payment_methods(call: Call) -> Json:
    """List saved cards."""
    return list_objects(call, "payment_method", URL, filters=("customer", "type"))
