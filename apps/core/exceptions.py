"""Errors of the domain, named for the business fact and rendered as problem+json or form errors.

Raised only by services, selectors and permission checks. `code` is stable API; `detail` is translated text.
A field name ties an error to one input. The HTTP status lives here because it is part of what the error
means to a caller; nothing else here knows HTTP.

Source: RFC 9457; docs/adr/0006-errors.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class DomainError(Exception):
    """A refusal that the caller can understand and act on."""

    code: ClassVar[str] = "domain_error"
    status: ClassVar[int] = 422
    title: ClassVar[Text] = _("The request was refused")
    retryable: ClassVar[bool] = False

    def __init__(self, detail: Text = "", *, field: str = "", code: str = "", **extra: Any) -> None:
        """Keep the detail, the field that it belongs to, and extra members of the problem."""
        self.detail: Text = detail or self.title
        self.field = field
        self.error_code = code or self.code
        self.extra = extra
        super().__init__(str(self.error_code))

    def __str__(self) -> str:
        return f"{self.error_code}: {self.detail}"


class NotFound(DomainError):  # noqa: N818 -- named for the fact, as HTTP does
    """The object does not exist, or not for this actor."""

    code = "not_found"
    status = 404
    title = _("Not found")


class Forbidden(DomainError):  # noqa: N818
    """The actor sees the object but may not do this."""

    code = "forbidden"
    status = 403
    title = _("You may not do this")


class NotAuthenticated(DomainError):  # noqa: N818
    """The caller is not known."""

    code = "not_authenticated"
    status = 401
    title = _("Sign in to continue")


class RuleViolated(DomainError):  # noqa: N818
    """The input is well-formed but a rule refuses it."""

    code = "rule_violated"
    status = 422
    title = _("A rule refuses this")


class InvalidInput(DomainError):  # noqa: N818
    """The input's shape is wrong; `errors` lists each place as pointer, code and detail."""

    code = "validation_error"
    status = 400
    title = _("The request is not valid")


class PaymentRequired(DomainError):  # noqa: N818
    """The feature needs a plan or a payment."""

    code = "payment_required"
    status = 402
    title = _("A payment is needed")


class Conflict(DomainError):  # noqa: N818
    """The object's state does not allow this now."""

    code = "conflict"
    status = 409
    title = _("The current state does not allow this")


class InvalidTransition(Conflict):
    """A state machine does not know this move."""

    code = "invalid_transition"
    title = _("This move is not possible from the current state")

    def __init__(self, *, current: str, wanted: str) -> None:
        """Name the state that the object has and the one that was asked for."""
        super().__init__(
            _("It is “%(current)s” and cannot become “%(wanted)s”.")
            % {"current": current, "wanted": wanted},
            current=current,
            wanted=wanted,
        )


class IdempotencyConflict(Conflict):
    """The Idempotency-Key was used before with another request, or is in use right now."""

    code = "idempotency_conflict"
    title = _("The idempotency key belongs to another request")


class QuotaExceeded(DomainError):  # noqa: N818
    """A limit is used up; `retry_after_s` tells when it is worth trying again."""

    code = "quota_exceeded"
    status = 429
    title = _("The limit is used up")


class TooManyRequests(DomainError):  # noqa: N818
    """The same was asked too often in a short time; `retry_after_s` tells when it is worth trying again."""

    code = "throttled"
    status = 429
    title = _("Too many requests")
    retryable = True


class Unavailable(DomainError):  # noqa: N818
    """Something that the answer needs is not there now; trying again may help."""

    code = "unavailable"
    status = 503
    title = _("This is not available right now")
    retryable = True


class RequestTooLarge(InvalidInput):
    """The request announces more than any request may bring; nothing of it was read."""

    code = "request_too_large"
    status = 413
    title = _("The request is too large")


class UnsafeUrl(RuleViolated):
    """An outgoing address that Tollgate refuses to call."""

    code = "unsafe_url"
    title = _("This address may not be called")


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem, as its page explains it."""

    title: Text
    status: int
    explanation: str
    retryable: bool


# Problems that the REST framework finds before any of our code.
_FRAMEWORK_KINDS: Final = {
    "parse_error": ProblemKind(_("The body is not valid JSON"), 400, "", retryable=False),
    "invalid_token": ProblemKind(
        _("The token is unknown, revoked or expired"), 401, "", retryable=False
    ),
    "method_not_allowed": ProblemKind(
        _("The method does not exist here"), 405, "", retryable=False
    ),
    "unsupported_media_type": ProblemKind(_("Send application/json"), 415, "", retryable=False),
    "server_error": ProblemKind(_("Something failed on our side"), 500, "", retryable=True),
}


def problem_kinds() -> dict[str, ProblemKind]:
    """Return every kind of problem by its code."""
    kinds = dict(_FRAMEWORK_KINDS)
    for error in _all_kinds(DomainError):
        explanation = " ".join((error.__doc__ or "").split())
        kinds[error.code] = ProblemKind(error.title, error.status, explanation, error.retryable)
    return kinds


def _all_kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all_kinds(child)
