"""/v1/balance_transactions: what each charge and refund did to the balance."""

from __future__ import annotations

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.ids import new_id, now
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.shapes import shape

URL = "/v1/balance_transactions"
# Stripe's list price for cards in the United States: 2.9 % and 30 minor units.
FEE_PERMILLE = 29
FEE_FIXED_MINOR = 30
PAYOUT_DELAY_S = 2 * 24 * 3600


def book(call: Call, source: Json, amount: int) -> Json:
    """Store the movement of a captured charge (positive) or a refund (negative).

    Args:
        call: The request.
        source: The charge or refund.
        amount: Minor units, signed. Refunds carry no fee and give none back.
    """
    is_charge = source["object"] == "charge"
    fee = (amount * FEE_PERMILLE + 500) // 1000 + FEE_FIXED_MINOR if is_charge else 0
    detail = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return call.store.save(
        shape(
            "balance_transaction",
            id=new_id("txn"),
            amount=amount,
            available_on=now() + PAYOUT_DELAY_S,
            balance_type="payments",
            currency=source["currency"],
            description=source.get("description"),
            fee=fee,
            fee_details=[detail] if fee else [],
            net=amount - fee,
            reporting_category=source["object"],
            source=source["id"],
            status="pending",
            type=source["object"],
        )
    )


@operation("GET", f"{URL}/{{id}}", "BalanceTransactionRetrieveParams")
def retrieve_balance_transaction(call: Call) -> Json:
    """Return one movement."""
    return call.fetch("balance_transaction")


@operation("GET", URL, "BalanceTransactionListParams")
def list_balance_transactions(call: Call) -> Json:
    """List movements, newest first."""
    return list_objects(call, "balance_transaction", URL, filters=("source", "type", "currency"))
