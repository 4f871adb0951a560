"""Stripe's documented test cards: what each number and each `pm_card_…` name does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from deploy.local.stripe_fake.errors import CardError


class Authentication(StrEnum):
    """When the issuer asks the holder to authenticate (3D Secure)."""

    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"
    OFF_SESSION_EXEMPT = "off_session_exempt"
    ALWAYS = "always"


class Aftermath(StrEnum):
    """What becomes of a payment, or of its refund, once it seemed done."""

    NONE = "none"
    DISPUTE = "dispute"
    REFUND_PENDING = "refund_pending"
    REFUND_FAILS = "refund_fails"


@dataclass(frozen=True)
class Decline:
    """Why an issuer says no."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True)
class Card:
    """A test card and its scripted behaviour.

    Attributes:
        names: Names after `pm_card_`; `tok_` of the same name works in `card[token]`.
        decline: The refusal of every charge, or None.
        attachable: Whether the card can be saved: most declining cards cannot.
    """

    number: str
    names: tuple[str, ...] = ()
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: Decline | None = None
    attachable: bool = True
    authentication: Authentication = Authentication.NEVER
    aftermath: Aftermath = Aftermath.NONE

    @property
    def last4(self) -> str:
        """Return the last four digits."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """Return the same text for the same number, as Stripe does within one account."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", message, decline_code)


GENERIC: Final = _declined("generic_decline")
INSUFFICIENT: Final = _declined("insufficient_funds", "Your card has insufficient funds.")
EXPIRED: Final = Decline("expired_card", "Your card has expired.")
WRONG_CVC: Final = Decline("incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING: Final = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
VELOCITY: Final = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
)
AUTHENTICATION_REQUIRED: Final = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
    "a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
)

CARDS: Final = (
    Card("4242424242424242", ("visa",)),
    Card("4000056655665556", ("visa_debit",), funding="debit"),
    Card("5555555555554444", ("mastercard",), "mastercard"),
    Card("5200828282828210", ("mastercard_debit",), "mastercard", funding="debit"),
    Card("5105105105105100", ("mastercard_prepaid",), "mastercard", funding="prepaid"),
    Card("378282246310005", ("amex",), "amex"),
    Card("6011111111111117", ("discover",), "discover"),
    Card("3056930009020004", ("diners",), "diners"),
    Card("3566002020360505", ("jcb",), "jcb", "JP"),
    Card("6200000000000005", ("unionpay",), "unionpay", "CN"),
    Card("4000000000000077", ("bypassPending",)),
    Card("4000002760000016", ("de",), country="DE"),
    Card("4000002500000003", ("fr",), country="FR"),
    Card("4000008260000000", ("gb",), country="GB"),
    Card("4000003560000008", ("in",), country="IN"),
    Card("4000007240000007", ("es",), country="ES"),
    # Refused at once: neither charged nor saved.
    Card(
        "4000000000000002",
        ("chargeDeclined", "visa_chargeDeclined"),
        decline=GENERIC,
        attachable=False,
    ),
    Card(
        "4000000000009995",
        ("chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"),
        decline=INSUFFICIENT,
        attachable=False,
    ),
    Card(
        "4000000000009987",
        ("visa_chargeDeclinedLostCard",),
        decline=_declined("lost_card"),
        attachable=False,
    ),
    Card(
        "4000000000009979",
        ("visa_chargeDeclinedStolenCard",),
        decline=_declined("stolen_card"),
        attachable=False,
    ),
    Card(
        "4100000000000019",
        ("chargeDeclinedFraudulent",),
        decline=_declined("fraudulent"),
        attachable=False,
    ),
    Card("4000000000000069", ("chargeDeclinedExpiredCard",), decline=EXPIRED, attachable=False),
    Card("4000000000000127", ("chargeDeclinedIncorrectCvc",), decline=WRONG_CVC, attachable=False),
    Card(
        "4000000000000119",
        ("chargeDeclinedProcessingError",),
        decline=PROCESSING,
        attachable=False,
    ),
    Card(
        "4000000000006975",
        ("visa_chargeDeclinedVelocityLimitExceeded",),
        decline=VELOCITY,
        attachable=False,
    ),
    # Can be saved; every later charge is refused.
    Card("4000000000000341", ("chargeCustomerFail",), decline=GENERIC),
    # Accepted, with trouble later.
    Card("4000000000000259", ("createDispute",), aftermath=Aftermath.DISPUTE),
    Card("4000000000007726", ("pendingRefund",), aftermath=Aftermath.REFUND_PENDING),
    Card("4000000000005126", ("refundFail",), aftermath=Aftermath.REFUND_FAILS),
    # 3D Secure.
    Card(
        "4000002500003155",
        ("authenticationRequiredOnSetup",),
        authentication=Authentication.UNLESS_SET_UP,
    ),
    Card(
        "4000002760003184",
        ("authenticationRequired",),
        authentication=Authentication.ALWAYS,
    ),
    Card(
        "4000003800000446",
        ("authenticationRequiredSetupForOffSession",),
        authentication=Authentication.OFF_SESSION_EXEMPT,
    ),
    Card(
        "4000008260003178",
        ("authenticationRequiredChargeDeclinedInsufficientFunds",),
        country="GB",
        decline=INSUFFICIENT,
        authentication=Authentication.ALWAYS,
    ),
    Card(
        "4000000000003220",
        ("threeDSecure2Required",),
        authentication=Authentication.OFF_SESSION_EXEMPT,
    ),
)
BY_NUMBER: Final = {card.number: card for card in CARDS}
BY_NAME: Final = {name: card for card in CARDS for name in card.names}


def find_by_name(token: str, prefix: str) -> Card | None:
    """Return the card that a token such as `pm_card_visa` or `tok_visa` stands for."""
    return BY_NAME.get(token.removeprefix(prefix)) if token.startswith(prefix) else None


def card_of(payment_method: dict[str, Any]) -> Card:
    """Return the test card behind a stored payment method."""
    return BY_NUMBER[payment_method["_number"]]


def needs_authentication(card: Card, *, off_session: bool, was_set_up: bool) -> bool:
    """Return whether the issuer asks the holder to authenticate this payment."""
    match card.authentication:
        case Authentication.NEVER:
            return False
        case Authentication.ALWAYS:
            return True
        case Authentication.OFF_SESSION_EXEMPT:
            return not off_session
        case Authentication.UNLESS_SET_UP:
            return not was_set_up


def card_error(decline: Decline, **details: Any) -> CardError:
    """Return the 402 of a refusal; `details` are further members of the error."""
    if decline.decline_code:
        details["decline_code"] = decline.decline_code
    param = {"incorrect_cvc": "cvc", "expired_card": "exp_month"}.get(decline.code)
    return CardError(
        decline.message,
        status=402,
        type="card_error",
        code=decline.code,
        param=param,
        details=details,
    )
