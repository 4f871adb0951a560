"""/v1/charges: made by payment intents; read, updated and captured here."""

from __future__ import annotations

from deploy.local.stripe_fake import cards
from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.events import changed_fields, emit
from deploy.local.stripe_fake.ids import new_id
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources.balance import book, card_fee
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, shape

URL = "/v1/charges"
STATEMENT_DESCRIPTOR = "LOCAL STRIPE"


def create_charge(
    call: Call,
    intent: Json,
    method: Json,
    *,
    captured: bool,
    decline: cards.Decline | None = None,
) -> Json:
    """Store an attempt to charge the card of an intent, and raise its event."""
    charge = shape(
        "charge",
        id=new_id("ch"),
        amount=intent["amount"],
        amount_captured=intent["amount"] if captured else 0,
        amount_refunded=0,
        billing_details=method["billing_details"],
        calculated_statement_descriptor=STATEMENT_DESCRIPTOR,
        captured=captured,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_code=decline.code if decline else None,
        failure_message=decline.message if decline else None,
        fraud_details={},
        metadata=intent["metadata"],
        outcome=_outcome(decline),
        paid=decline is None,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_method_details(method, intent),
        radar_options={},
        receipt_email=intent["receipt_email"],
        refunded=False,
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status="failed" if decline else "succeeded",
    )
    charge["receipt_url"] = f"{call.base_url}/pay/receipts/{charge['id']}" if captured else None
    if captured:
        charge["balance_transaction"] = book(
            call, charge, charge["amount"], fee=card_fee(charge["amount"])
        )["id"]
    emit(call, f"charge.{charge['status']}", call.store.save(charge))
    return charge


def capture_charge(call: Call, intent: Json, amount: int) -> None:
    """Take held money; what is not taken counts as refunded, as at Stripe."""
    before = call.store.find("charge", intent["latest_charge"]) or {}
    charge = before | {
        "amount_captured": amount,
        "amount_refunded": before["amount"] - amount,
        "captured": True,
        "receipt_url": f"{call.base_url}/pay/receipts/{before['id']}",
    }
    charge["balance_transaction"] = book(call, charge, amount, fee=card_fee(amount))["id"]
    emit(call, "charge.captured", call.store.save(charge), changed_fields(before, charge))


def _outcome(decline: cards.Decline | None) -> Json:
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _method_details(method: Json, intent: Json) -> Json:
    card = method["card"]
    names = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    details = {name: card[name] for name in (*names, "last4", "regulated_status", "wallet")}
    return {
        "type": "card",
        "card": details
        | {
            "amount_authorized": intent["amount"],
            "authorization_code": None,
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "three_d_secure": None,
        },
    }


@operation("GET", f"{URL}/{{id}}", "ChargeRetrieveParams")
def retrieve_charge(call: Call) -> Json:
    """Return a charge."""
    return call.fetch("charge")


@operation("GET", URL, "ChargeListParams")
def list_charges(call: Call) -> Json:
    """List charges, newest first."""
    return list_objects(call, "charge", URL, filters=("customer", "payment_intent"))


@operation("POST", f"{URL}/{{id}}", "ChargeModifyParams")
def update_charge(call: Call) -> Json:
    """Change texts and metadata."""
    before = call.fetch("charge")
    charge = before | copy_params("charge", call.params)
    if "metadata" in call.params:
        charge["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    emit(call, "charge.updated", call.store.save(charge), changed_fields(before, charge))
    return charge
