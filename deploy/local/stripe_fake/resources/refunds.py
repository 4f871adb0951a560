"""/v1/refunds: all or part of a captured charge, never more than is left."""

from __future__ import annotations

from typing import NoReturn

from deploy.local.stripe_fake import cards
from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.events import changed_fields, emit
from deploy.local.stripe_fake.ids import new_id
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources.balance import book
from deploy.local.stripe_fake.shapes import merge_metadata, shape

URL = "/v1/refunds"


@operation("POST", URL, "RefundCreateParams")
def create_refund(call: Call) -> Json:
    """Give money back.

    Raises:
        StripeError: 400 when the charge was not captured, is refunded already, or has less left.
    """
    before = _charge_to_refund(call)
    left = before["amount_captured"] - _refunded_so_far(call, before)
    amount = call.params.get("amount", left)
    _check_amount(before, amount, left)
    method = call.store.find("payment_method", before["payment_method"]) or {}
    aftermath = cards.card_of(method).aftermath
    refund = shape(
        "refund",
        id=new_id("re"),
        amount=amount,
        charge=before["id"],
        currency=before["currency"],
        customer=before["customer"],
        destination_details={
            "card": {"reference_status": "pending", "type": "refund"},
            "type": "card",
        },
        metadata=merge_metadata({}, call.params.get("metadata")),
        payment_intent=before["payment_intent"],
        payment_method=before["payment_method"],
        reason=call.params.get("reason"),
        status="pending" if aftermath is cards.Aftermath.REFUND_PENDING else "succeeded",
        _aftermath=aftermath,
    )
    refund["balance_transaction"] = book(call, refund, -amount)["id"]
    emit(call, "refund.created", call.store.save(refund))
    charge = before | {
        "amount_refunded": before["amount_refunded"] + amount,
        "refunded": amount == left,
    }
    emit(call, "charge.refunded", call.store.save(charge), changed_fields(before, charge))
    return refund


def _charge_to_refund(call: Call) -> Json:
    charge = call.reference("charge", "charge")
    if charge is not None:
        return charge
    intent = call.reference("payment_intent", "payment_intent")
    if intent is None:
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or "
            "charge."
        )
    charge = call.store.find("charge", intent["latest_charge"] or "")
    if charge is None or not charge["captured"]:
        raise StripeError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return charge


def _refunded_so_far(call: Call, charge: Json) -> int:
    return sum(
        refund["amount"]
        for refund in call.store.newest_first("refund")
        if refund["charge"] == charge["id"] and refund["status"] != "failed"
    )


def _check_amount(charge: Json, amount: int, left: int) -> None:
    if not charge["captured"]:
        raise StripeError(f"Charge {charge['id']} has not been captured.", param="charge")
    if left == 0:
        raise StripeError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount < 1:
        _refuse_amount("Invalid positive integer")
    if amount > left:
        _refuse_amount(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        )


def _refuse_amount(message: str) -> NoReturn:
    raise StripeError(message, param="amount")


@operation("GET", f"{URL}/{{id}}", "RefundRetrieveParams")
def retrieve_refund(call: Call) -> Json:
    """Return a refund."""
    return call.fetch("refund")


@operation("GET", URL, "RefundListParams")
def list_refunds(call: Call) -> Json:
    """List refunds, newest first."""
    return list_objects(call, "refund", URL, filters=("charge", "payment_intent"))


@operation("POST", f"{URL}/{{id}}", "RefundModifyParams")
def update_refund(call: Call) -> Json:
    """Change metadata."""
    before = call.fetch("refund")
    metadata = merge_metadata(before["metadata"], call.params.get("metadata"))
    refund = call.store.save(before | {"metadata": metadata})
    emit(call, "refund.updated", refund, changed_fields(before, refund))
    return refund


def settle_refunds(call: Call) -> list[Json]:
    """Let the time pass after which pending refunds succeed and doomed ones fail."""
    settled = []
    for refund in call.store.newest_first("refund"):
        if refund["status"] == "pending":
            settled.append(call.store.save(refund | {"status": "succeeded"}))
            emit(call, "refund.updated", settled[-1], {"status": "pending"})
        elif refund["status"] == "succeeded" and refund["_aftermath"] == "refund_fails":
            settled.append(_fail(call, refund))
    return settled


def _fail(call: Call, refund: Json) -> Json:
    """Take a refund back: the money returns to the balance, the charge counts as paid again."""
    movement = book(call, refund, refund["amount"], category="refund_failure")
    refund |= {
        "failure_balance_transaction": movement["id"],
        "failure_reason": "expired_or_canceled_card",
        "status": "failed",
    }
    emit(call, "refund.failed", call.store.save(refund))
    before = call.store.find("charge", refund["charge"]) or {}
    left = before["amount_refunded"] - refund["amount"]
    charge = call.store.save(before | {"amount_refunded": left, "refunded": False})
    emit(call, "charge.updated", charge, changed_fields(before, charge))
    return refund
