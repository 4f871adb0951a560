"""The customer portal: saved cards, one of them the default."""

from __future__ import annotations

from html import escape

from deploy.local.stripe_fake.calls import Call, Json
from deploy.local.stripe_fake.markup import not_found, page
from deploy.local.stripe_fake.messages import Response, redirect
from deploy.local.stripe_fake.resources import portal


def answer(call: Call, steps: list[str], form: Json | None) -> Response:
    """Show the cards, or carry out what a button asks."""
    session = call.store.find("billing_portal.session", steps[0].partition("_secret_")[0])
    customer = call.store.find("customer", session["customer"]) if session else None
    if not session or not session["url"].endswith(steps[0]) or not customer:
        return not_found()
    if form is None:
        return _show(call, session, customer)
    for method in portal.saved_cards(call, customer):
        if method["id"] == form.get("remove"):
            portal.remove_card(call, method)
        elif method["id"] == form.get("default"):
            portal.make_default(call, customer, method)
    return redirect(session["url"])


def _show(call: Call, session: Json, customer: Json) -> Response:
    default = customer["invoice_settings"]["default_payment_method"]
    cards = "".join(
        _card(method, is_default=method["id"] == default)
        for method in portal.saved_cards(call, customer)
    )
    back = session["return_url"]
    link = f"<p><a href='{escape(back)}'>Return</a></p>" if back else ""
    listed = f"<ul>{cards}</ul>" if cards else "<p>No cards are saved.</p>"
    form = f"<form method='post' action='{escape(session['url'])}'>{listed}</form>"
    return page("Payment methods", f"<p>{escape(customer['email'] or '')}</p>{form}{link}")


def _card(method: Json, *, is_default: bool) -> str:
    card = method["card"]
    name = f"{escape(card['brand'])} •••• {escape(card['last4'])}"
    default = (
        "(default) "
        if is_default
        else f"<button name='default' value='{method['id']}'>Make {name} the default</button>"
    )
    remove = f"<button name='remove' value='{method['id']}'>Remove {name}</button>"
    return f"<li>{name} {default}{remove}</li>"
