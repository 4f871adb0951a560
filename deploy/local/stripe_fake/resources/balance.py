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


def card_fee(amount: int) -> int:
    """Return what Stripe keeps of a captured amount, in minor units."""
    return (amount * FEE_PERMILLE + 500) // 1000 + FEE_FIXED_MINOR


def book(call: Call, source: Json, amount: int, *, fee: int = 0, category: str = "") -> Json:
    """Store one movement.

    Args:
        call: The request.
        source: The charge, refund or dispute behind it.
        amount: Minor units, signed: money in is positive.
        fee: What Stripe keeps, in minor units. Refunds carry none and give none back.
        category: Stripe's reporting category, when it is not the source's own kind.
    """
    kind = source["object"]
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
            reporting_category=category or kind,
            source=source["id"],
            status="pending",
            type="adjustment" if kind == "dispute" else category or kind,
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
