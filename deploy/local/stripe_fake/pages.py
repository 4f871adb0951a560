"""The pages a card holder sees: checkout, the issuer's authentication, the receipt."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from deploy.local.stripe_fake import portal_page
from deploy.local.stripe_fake.calls import Call
from deploy.local.stripe_fake.errors import CardError
from deploy.local.stripe_fake.markup import STYLE, money, not_found, page
from deploy.local.stripe_fake.messages import Request, Response, redirect
from deploy.local.stripe_fake.resources import checkout, payment_intents, setup_intents

if TYPE_CHECKING:
    from deploy.local.stripe_fake.application import StripeFake

Json = dict[str, Any]

TEST_CARDS = (
    ("4242424242424242", "is accepted"),
    ("4000000000000002", "is declined"),
    ("4000002760003184", "asks for authentication"),
    ("4000000000000341", "can be saved, then declines"),
)


def handle(fake: StripeFake, request: Request) -> Response:
    """Answer a browser."""
    if request.path == "/pay/style.css":
        return Response(HTTPStatus.OK, STYLE.encode(), {"Content-Type": "text/css"})
    steps = request.path.removeprefix("/pay/").split("/")
    answer_page = PAGES.get(steps[0])
    if answer_page is None or len(steps) < 2:
        return not_found()
    form = dict(parse_qsl(request.text)) if request.method == "POST" else None
    call = fake.new_call({})
    with fake.store.transaction():
        answer = answer_page(call, steps[1:], form)
    fake.courier.wake()
    return answer


def _checkout(call: Call, steps: list[str], form: Json | None) -> Response:
    session = call.store.find("checkout.session", steps[0])
    if session is None:
        return not_found()
    session = checkout.expire_if_due(call, session)
    if session["status"] != "open":
        return _closed(session)
    if steps[1:] == ["return"]:
        return _return_from_authentication(call, session)
    if form is None:
        return _checkout_page(call, session)
    return _submit(call, session, form)


def _closed(session: Json) -> Response:
    if session["status"] == "complete":
        return redirect(checkout.success_url(session))
    return page("Session expired", "<p>Ask for a new link.</p>")


def _submit(call: Call, session: Json, form: Json) -> Response:
    """Try the card that was typed in."""
    month, _, year = form.get("expiry", "").partition("/")
    if not (month.strip().isdecimal() and year.strip().isdecimal()):
        return _checkout_page(call, session, "Your card's expiration date is incomplete.")
    card = {
        "number": form.get("number", ""),
        "exp_month": int(month),
        "exp_year": 2000 + int(year) % 100,
    }
    try:
        intent = checkout.submit(call, session, card)
    except CardError as refusal:
        return _checkout_page(call, session, refusal.message)
    return _after_confirm(call, session, intent)


def _after_confirm(call: Call, session: Json, intent: Json) -> Response:
    if intent["next_action"]:
        return redirect(intent["next_action"]["redirect_to_url"]["url"])
    return redirect(checkout.success_url(checkout.complete_session(call, session, intent)))


def _return_from_authentication(call: Call, session: Json) -> Response:
    kind = "setup_intent" if session["mode"] == "setup" else "payment_intent"
    intent = call.store.find(kind, session[kind] or "")
    if intent and checkout.is_finished(intent):
        return redirect(checkout.success_url(checkout.complete_session(call, session, intent)))
    error = intent and (intent.get("last_payment_error") or intent.get("last_setup_error"))
    return _checkout_page(call, session, error["message"] if error else None)


def _checkout_page(call: Call, session: Json, problem: str | None = None) -> Response:
    lines = "".join(
        f"<li>{escape(item['description'])} × {item['quantity']}: "
        f"{money(item['amount_total'], item['currency'])}</li>"
        for item in session["_line_items"]["data"]
    )
    is_setup = session["mode"] == "setup"
    action = "Save card" if is_setup else "Pay"
    total = "" if is_setup else f" {money(session['amount_total'], session['currency'])}"
    known = "".join(f"<option value='{number}'>{what}</option>" for number, what in TEST_CARDS)
    cancel = session["cancel_url"]
    back = f"<p><a href='{escape(cancel)}'>Back</a></p>" if cancel else ""
    error = f"<p class='error' role='alert'>{escape(problem)}</p>" if problem else ""
    body = f"""<ul>{lines}</ul>{error}
<form method="post" action="{call.base_url}/pay/checkout/{session["id"]}">
<label>Card number <input name="number" list="cards" inputmode="numeric" autocomplete="cc-number"
 required value="4242424242424242"></label><datalist id="cards">{known}</datalist>
<label>Expiry <input name="expiry" value="12 / 34" autocomplete="cc-exp" required></label>
<label>Security code <input name="cvc" value="123" autocomplete="cc-csc" required></label>
<button>{action}{total}</button></form>{back}"""
    status = HTTPStatus.PAYMENT_REQUIRED if problem else HTTPStatus.OK
    return page("Save a card" if is_setup else "Checkout", body, status)


def _authenticate(call: Call, steps: list[str], form: Json | None) -> Response:
    """Play the issuer: the holder agrees or not, and goes back to the shop."""
    secret = steps[0]
    intent = call.store.find_any(secret.partition("_secret_")[0])
    if intent is None or intent.get("client_secret") != secret:
        return not_found()
    if form is None and intent["status"] == "requires_action":
        body = f"""<p>Your bank asks you to confirm this {_subject(intent)}.</p>
<form method="post" action="{call.base_url}/pay/authenticate/{escape(secret)}">
<button name="result" value="complete">Complete authentication</button>
<button name="result" value="fail">Fail authentication</button></form>"""
        return page("Authentication", body)
    if intent["status"] == "requires_action":
        action = intent["next_action"]
        _finish(call, intent, agreed=(form or {}).get("result") == "complete")
        intent = call.store.find_any(intent["id"]) or intent
        if action["type"] == "redirect_to_url":
            return redirect(_with_result(action["redirect_to_url"]["return_url"], intent))
    return page("Authentication", f"<p>This {_subject(intent)}: {intent['status']}.</p>")


def _finish(call: Call, intent: Json, *, agreed: bool) -> None:
    module: Any = payment_intents if intent["object"] == "payment_intent" else setup_intents
    if not agreed:
        module.fail_authentication(call, intent)
        return
    method = call.store.find("payment_method", intent["payment_method"]) or {}
    try:
        (payment_intents.settle if module is payment_intents else setup_intents.complete)(
            call, intent, method
        )
    except CardError:
        # The refusal is on the intent, where the shop looks when the holder comes back.
        return


def _with_result(return_url: str, intent: Json) -> str:
    """Return the shop's URL with Stripe's query parameters added."""
    parts = urlsplit(return_url)
    kind = intent["object"]
    added = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if checkout.is_finished(intent) else "failed",
    }
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    return urlunsplit(parts._replace(query=query))


def _subject(intent: Json) -> str:
    if intent["object"] == "setup_intent":
        return "card"
    return f"payment of {money(intent['amount'], intent['currency'])}"


def _receipt(call: Call, steps: list[str], _: Json | None) -> Response:
    charge = call.store.find("charge", steps[0])
    if charge is None:
        return not_found()
    card = charge["payment_method_details"]["card"]
    paid = money(charge["amount_captured"], charge["currency"])
    body = f"<p>{paid}, {escape(card['brand'])} •••• {escape(card['last4'])}</p>"
    return page("Receipt", body)


PAGES: dict[str, Callable[[Call, list[str], Json | None], Response]] = {
    "authenticate": _authenticate,
    "checkout": _checkout,
    "portal": portal_page.answer,
    "receipts": _receipt,
}
