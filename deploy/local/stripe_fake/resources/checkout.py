"""/v1/checkout/sessions in setup and payment mode; the hosted page is in `pages`."""

from __future__ import annotations

import time
from typing import Final

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError, unexpected_state
from deploy.local.stripe_fake.events import emit
from deploy.local.stripe_fake.ids import new_id, now
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources import payment_intents, setup_intents
from deploy.local.stripe_fake.resources.payment_methods import read_card
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, shape

URL = "/v1/checkout/sessions"
LIFETIME_S: Final = 24 * 3600
SESSION_PLACEHOLDER = "{CHECKOUT_SESSION_ID}"


@operation("POST", URL, "checkout.SessionCreateParams")
def create_session(call: Call) -> Json:
    """Open a session with a page that a browser can fill in.

    Raises:
        StripeError: The mode is not played here, or what it needs is missing.
    """
    mode = call.params.get("mode", "payment")
    _check(call.params, mode)
    customer = call.reference("customer", "customer")
    session_id = new_id("cs_test", 58)
    fields = copy_params("checkout.session", call.params) | {
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer_details": _customer_details(call.params, customer),
        "expires_at": call.params.get("expires_at", now() + LIFETIME_S),
        "metadata": merge_metadata({}, call.params.get("metadata")),
        "mode": mode,
        "payment_method_types": call.params.get("payment_method_types", ["card"]),
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "shipping_options": [],
        "status": "open",
        "ui_mode": "hosted_page",
        "url": f"{call.base_url}/pay/checkout/{session_id}",
        "payment_intent": None,
        "setup_intent": None,
    }
    fields |= _setup(call) if mode == "setup" else _payment(call)
    return call.store.save(shape("checkout.session", id=session_id, **fields))


def _check(params: Json, mode: str) -> None:
    if mode == "subscription":
        raise StripeError("The local Stripe plays setup and payment mode only.", param="mode")
    if params.get("ui_mode", "hosted_page") not in ("hosted", "hosted_page"):
        raise StripeError("The local Stripe has hosted pages only.", param="ui_mode")
    needed = ["success_url"] + (["line_items"] if mode == "payment" else [])
    if mode == "setup" and "payment_method_types" not in params:
        needed.append("currency")
    for name in needed:
        if name not in params:
            raise StripeError(
                f"Missing required param: {name}.", code="parameter_missing", param=name
            )


def _customer_details(params: Json, customer: Json | None) -> Json | None:
    email = customer["email"] if customer else params.get("customer_email")
    if email is None:
        return None
    name = customer["name"] if customer else None
    blank = dict.fromkeys(("address", "business_name", "individual_name", "phone", "tax_ids"))
    return blank | {"email": email, "name": name, "tax_exempt": "none"}


def _setup(call: Call) -> Json:
    """Setup mode: the setup intent exists from the start."""
    data = call.params.get("setup_intent_data") or {}
    named = {name: call.params[name] for name in ("customer",) if name in call.params}
    params = data | named | {"automatic_payment_methods": {"enabled": False}}
    intent = call.store.save(setup_intents.new_setup_intent(params))
    emit(call, "setup_intent.created", intent)
    return {"setup_intent": intent["id"], "_line_items": _item_list([])}


def _payment(call: Call) -> Json:
    """Payment mode: the payment intent is made when the page is first submitted."""
    items = [_line_item(item, i) for i, item in enumerate(call.params["line_items"])]
    currencies = {item["currency"] for item in items}
    if len(currencies) != 1:
        raise StripeError("All line items must have the same currency.", param="line_items")
    total = sum(item["amount_total"] for item in items)
    return {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currencies.pop(),
        "total_details": {
            "amount_discount": 0,
            "amount_shipping": 0,
            "amount_tax": 0,
            "breakdown": None,
        },
        "_line_items": _item_list(items),
        "_payment_intent_data": call.params.get("payment_intent_data") or {},
    }


def _item_list(items: list[Json]) -> Json:
    return {"object": "list", "data": items, "has_more": False, "url": f"{URL}/line_items"}


def _line_item(item: Json, index: int) -> Json:
    price = item.get("price_data")
    if not price or "unit_amount" not in price or "product_data" not in price:
        raise StripeError(
            "The local Stripe takes line items with price_data[unit_amount] and "
            "price_data[product_data] only.",
            param=f"line_items[{index}]",
        )
    quantity = item.get("quantity", 1)
    total = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"].lower(),
        "description": price["product_data"]["name"],
        "discounts": [],
        "metadata": {},
        "price": None,
        "quantity": quantity,
    }


@operation("GET", f"{URL}/{{id}}", "checkout.SessionRetrieveParams")
def retrieve_session(call: Call) -> Json:
    """Return a session."""
    return expire_if_due(call, call.fetch("checkout.session"))


@operation("GET", URL, "checkout.SessionListParams")
def list_sessions(call: Call) -> Json:
    """List sessions, newest first."""
    filters = ("customer", "payment_intent", "status")
    return list_objects(call, "checkout.session", URL, filters=filters)


@operation("GET", f"{URL}/{{id}}/line_items", "checkout.SessionListLineItemsParams")
def list_line_items(call: Call) -> Json:
    """List what is bought."""
    session = call.fetch("checkout.session")
    items: Json = session["_line_items"]
    return items


@operation("POST", f"{URL}/{{id}}/expire", "checkout.SessionExpireParams")
def expire_session(call: Call) -> Json:
    """Close an open session."""
    session = call.fetch("checkout.session")
    if session["status"] != "open":
        raise unexpected_state(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}.",
            "resource_already_exists",
        )
    return _expire(call, session)


def expire_if_due(call: Call, session: Json) -> Json:
    """Return the session, closed when its time is over."""
    over = session["status"] == "open" and session["expires_at"] <= time.time()
    return _expire(call, session) if over else session


def _expire(call: Call, session: Json) -> Json:
    session |= {"status": "expired", "url": None}
    emit(call, "checkout.session.expired", call.store.save(session))
    return session


def submit(call: Call, session: Json, card: Json) -> Json:
    """Pay or save with the card typed into the page; return the intent.

    Raises:
        CardError: The card was refused; the session stays open.
    """
    method = call.store.save(read_card({"type": "card", "card": card}))
    return_url = f"{call.base_url}/pay/checkout/{session['id']}/return"
    call.params = {"payment_method": method["id"], "return_url": return_url}
    if session["mode"] == "setup":
        call.path = {"id": session["setup_intent"]}
        return setup_intents.confirm_setup_intent(call)
    if session["payment_intent"] is None:
        params, call.params = call.params, _intent_params(session)
        intent = payment_intents.create_payment_intent(call)
        call.store.save(session | {"payment_intent": intent["id"]})
        session["payment_intent"], call.params = intent["id"], params
    call.path = {"id": session["payment_intent"]}
    return payment_intents.confirm_payment_intent(call)


def _intent_params(session: Json) -> Json:
    customer = {"customer": session["customer"]} if session["customer"] else {}
    return {
        "amount": session["amount_total"],
        "currency": session["currency"],
        **customer,
        **session["_payment_intent_data"],
    }


def complete_session(call: Call, session: Json, intent: Json) -> Json:
    """Close a session whose intent went through, and raise `checkout.session.completed`."""
    if session["status"] != "open":
        return session
    paid = {} if session["mode"] == "setup" else {"payment_status": "paid"}
    session |= {"status": "complete", "url": None, "customer": intent["customer"]} | paid
    emit(call, "checkout.session.completed", call.store.save(session))
    return session


def success_url(session: Json) -> str:
    """Return where the browser goes, with the session's id filled in."""
    url: str = session["success_url"]
    return url.replace(SESSION_PLACEHOLDER, session["id"])


def is_finished(intent: Json) -> bool:
    """Return whether an intent needs nothing more from the holder."""
    return intent["status"] in ("succeeded", "requires_capture", "processing")
