"""Responses held to the SDK's resource classes: no field that Stripe lacks, none that it has absent."""

from __future__ import annotations

from functools import cache
from typing import Any

import stripe

from deploy.local.stripe_fake.ids import now

type_of: dict[str, type[stripe.StripeObject]] = {
    "account": stripe.Account,
    "balance_transaction": stripe.BalanceTransaction,
    "billing_portal.session": stripe.billing_portal.Session,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
# Optional in the SDK because Stripe leaves them out, not because they are null.
ABSENT: dict[str, frozenset[str]] = {
    "account": frozenset({"deleted", "groups", "individual"}),
    "charge": frozenset({"authorization_code", "level3", "refunds", "transfer"}),
    "checkout.session": frozenset({"line_items"}),
    "customer": frozenset(
        {
            "cash_balance",
            "deleted",
            "invoice_credit_balance",
            "sources",
            "subscriptions",
            "tax",
            "tax_ids",
        }
    ),
    "event": frozenset({"account", "context"}),
    "webhook_endpoint": frozenset({"deleted", "secret"}),
}


@cache
def _fields(kind: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return (required, nullable) field names of a kind of object."""
    required: set[str] = set()
    nullable: set[str] = set()
    for name, hint in type_of[kind].__annotations__.items():
        text = str(hint)
        if "ClassVar" not in text:
            (nullable if "Optional" in text or "None" in text else required).add(name)
    if kind == "payment_method":
        # One member per method; only that of the object's own type is present.
        nullable &= {"allow_redisplay", "card", "customer", "customer_account", "metadata"}
    return frozenset(required), frozenset(nullable - ABSENT.get(kind, frozenset()))


def shape(kind: str, **fields: Any) -> dict[str, Any]:
    """Return an object of Stripe's current shape, with null in every field not given.

    Names that begin with an underscore are the fake's own and never leave it (see `render`).

    Raises:
        ValueError: A field is unknown to the SDK, or a required one is missing.
    """
    required, nullable = _fields(kind)
    given = {"object": kind, "created": now(), "livemode": False} | fields
    known = required | nullable | ABSENT.get(kind, frozenset())
    result = {name: value for name, value in given.items() if name in known or name[0] == "_"}
    unknown = set(fields) - set(result)
    missing = required - set(result)
    if unknown or missing:
        raise ValueError(f"{kind}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    return {"id": result.pop("id"), **dict.fromkeys(sorted(nullable)), **result}


def render(value: Any) -> Any:
    """Return a copy without the fake's private members."""
    if isinstance(value, dict):
        return {k: render(v) for k, v in value.items() if not k.startswith("_")}
    if isinstance(value, list):
        return [render(item) for item in value]
    return value


def copy_params(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are fields of the object under the same name; '' unsets."""
    required, nullable = _fields(kind)
    return {
        name: None if value == "" else value
        for name, value in params.items()
        if name in required | nullable and name != "metadata"
    }


def merge_metadata(current: dict[str, str] | None, given: Any) -> dict[str, str]:
    """Return metadata after an update: '' for the whole unsets all, '' for a key removes it."""
    if given == "":
        return {}
    merged = dict(current or {}) | (given or {})
    return {name: value for name, value in merged.items() if value != ""}
