"""Stripe's error bodies, as exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

DOCUMENTATION_URL = "https://stripe.com/docs/error-codes/{code}"


@dataclass
class StripeError(Exception):
    """An answer other than 2xx.

    Attributes:
        message: What the developer reads.
        status: HTTP status.
        type: Stripe's error class: `invalid_request_error`, `card_error`, `idempotency_error`, ...
        code: Stripe's error code, or None.
        param: The parameter at fault, in bracket notation.
        details: Further members of the error: `decline_code`, `payment_intent`, ...
    """

    message: str
    status: int = HTTPStatus.BAD_REQUEST
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the JSON body: one `error` member, without absent fields."""
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error |= {"code": self.code, "doc_url": DOCUMENTATION_URL.format(code=self.code)}
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error | self.details}


class CardError(StripeError):
    """A 402: the card was refused. What the attempt wrote is kept, as at Stripe."""


def resource_missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    """Return the 404 for an id that names nothing of this kind."""
    return StripeError(
        f"No such {kind}: '{object_id}'",
        status=HTTPStatus.NOT_FOUND,
        code="resource_missing",
        param=param,
    )


def missing_reference(kind: str, object_id: str, param: str) -> StripeError:
    """Return the 400 for a parameter that names an object which does not exist."""
    error = resource_missing(kind, object_id, param)
    error.status = HTTPStatus.BAD_REQUEST
    return error


def unexpected_state(message: str, code: str, **details: Any) -> StripeError:
    """Return the 400 for a move that the object's state does not allow."""
    return StripeError(message, code=code, details=details)
