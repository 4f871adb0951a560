"""The account that the API key belongs to: one per fake, made at first sight."""

from __future__ import annotations

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.ids import new_id
from deploy.local.stripe_fake.shapes import shape
from deploy.local.stripe_fake.store import Store

COUNTRY = "US"
CURRENCY = "usd"
DISPLAY_NAME = "Local Stripe"


def own_account(store: Store) -> Json:
    """Return the account of this fake."""
    for account in store.newest_first("account"):
        return account
    return store.save(
        shape(
            "account",
            id=new_id("acct", 16),
            business_profile={
                "mcc": "5734",
                "name": DISPLAY_NAME,
                "product_description": "API subscriptions",
                "support_address": None,
                "support_email": None,
                "support_phone": None,
                "support_url": None,
                "url": "http://localhost",
            },
            business_type="company",
            capabilities={"card_payments": "active", "transfers": "active"},
            charges_enabled=True,
            controller={"type": "account"},
            country=COUNTRY,
            default_currency=CURRENCY,
            details_submitted=True,
            email="owner@example.com",
            external_accounts=None,
            metadata={},
            payouts_enabled=True,
            settings=_settings(),
            type="standard",
        )
    )


def _settings() -> Json:
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {"decline_on": {"avs_failure": False, "cvc_failure": False}},
        "dashboard": {"display_name": DISPLAY_NAME, "timezone": "Etc/UTC"},
        "payments": {"statement_descriptor": "LOCAL STRIPE"},
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
    }


@operation("GET", "/v1/account", "AccountRetrieveCurrentParams")
def retrieve_current_account(call: Call) -> Json:
    """Return the account behind the key."""
    return own_account(call.store)


@operation("GET", "/v1/accounts/{id}", "AccountRetrieveParams")
def retrieve_account(call: Call) -> Json:
    """Return the account by id; there are no connected accounts here."""
    account = own_account(call.store)
    if call.path["id"] != account["id"]:
        raise no_access(call.path["id"])
    return account


def no_access(account_id: str) -> StripeError:
    """Return the 403 for another account's id."""
    return StripeError(
        f"The provided key does not have access to account '{account_id}' "
        "(or that account does not exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )
