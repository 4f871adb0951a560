"""Every answer that is not an allowed call: prepared once, as problem+json with a stable code.

Source: docs/architecture/gateway.md §1; RFC 9457.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

HeaderList: TypeAlias = list[tuple[str, str]]

_CHALLENGE: Final = ("www-authenticate", 'Bearer realm="gateway"')
_RETRY_SOON: Final = ("retry-after", "1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the authorizer says to the proxy. `code` is `allowed`, `preflight` or a problem's code."""

    code: str
    status: int
    headers: HeaderList
    body: bytes = b""

    def with_headers(self, extra: HeaderList) -> Answer:
        """Return the same answer with more headers."""
        return replace(self, headers=[*self.headers, *extra])


def _problem(status: int, code: str, title: str, *extra: tuple[str, str], **members: str) -> Answer:
    body = msgspec.json.encode(
        {"type": f"/problems/{code}", "title": title, "status": status, "code": code, **members}
    )
    headers = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-tollgate-error", "true"),
        *extra,
    ]
    return Answer(code, status, headers, body)


FORBIDDEN_CALLER: Final = _problem(403, "forbidden_caller", "Only the proxy may ask.")
NOT_FOUND: Final = _problem(404, "not_found", "There is nothing here.")
INTERNAL: Final = _problem(500, "internal_error", "The gateway made a mistake.")

INVALID_PATH: Final = _problem(400, "invalid_path", "This path has parts that could be misread.")
PROXY_REQUEST_INCOMPLETE: Final = _problem(
    400,
    "proxy_request_incomplete",
    "The proxy did not say, or said twice, which call it asks about.",
)
API_NOT_FOUND: Final = _problem(404, "api_not_found", "No API has this address.")
API_SUSPENDED: Final = _problem(403, "api_suspended", "This API is suspended.")
API_UNAVAILABLE: Final = _problem(
    503, "api_unavailable", "This API does not answer at present.", ("retry-after", "10")
)
UPSTREAM_REFUSED: Final = _problem(
    503, "upstream_refused", "This API's address may not be called.", ("retry-after", "30")
)
METHOD_NOT_ALLOWED: Final = _problem(
    405, "method_not_allowed", "This API does not take this method."
)

CREDENTIAL_MISSING: Final = _problem(
    401, "credential_missing", "Send your key in the header X-Subscription-Key.", _CHALLENGE
)
CREDENTIAL_AMBIGUOUS: Final = _problem(
    401, "credential_ambiguous", "Send one key, once.", _CHALLENGE
)
CREDENTIAL_INVALID: Final = _problem(
    401, "credential_invalid", "This key is not valid.", _CHALLENGE
)
CREDENTIAL_EXPIRED: Final = _problem(401, "credential_expired", "This key has expired.", _CHALLENGE)

KEY_SUSPENDED: Final = _problem(403, "key_suspended", "This key is suspended.")
_INACTIVE: Final = "subscription_inactive"
# One code, since a client can do nothing about any of them; `reason` tells a person what to do.
SUBSCRIPTION_INACTIVE: Final = {
    reason: _problem(403, _INACTIVE, title, reason=reason)
    for reason, title in {
        "trial_over": "The trial of this key's subscription is over.",
        "past_due": "An invoice for the subscription of this key is overdue.",
        "paused": "The subscription of this key is paused.",
        "suspended": "The subscription of this key is suspended.",
        "cancelled": "The subscription of this key was cancelled.",
        "expired": "The subscription of this key has ended.",
        "pending_approval": "The subscription of this key waits for its provider.",
        "inactive": "The subscription of this key does not allow calls at present.",
    }.items()
}
TENANT_SUSPENDED: Final = _problem(
    403, "tenant_suspended", "The organization of this key is suspended."
)
TENANT_MISMATCH: Final = _problem(
    403, "tenant_mismatch", "This key and its subscription belong to different workspaces."
)
SUBSCRIPTION_NOT_FOR_API: Final = _problem(
    403, "subscription_not_for_api", "The subscription of this key is for another API."
)
TEST_KEY_REFUSED: Final = _problem(
    403, "test_key_refused", "Test keys work in sandbox organizations only."
)
IP_NOT_ALLOWED: Final = _problem(
    403, "ip_not_allowed", "This key may not be used from this address."
)
SCOPE_INSUFFICIENT: Final = _problem(
    403, "scope_insufficient", "The scopes of this key do not cover this call."
)
ENDPOINT_NOT_ALLOWED: Final = _problem(
    403, "endpoint_not_allowed", "This key may not call this endpoint."
)

QUOTA_EXCEEDED: Final = _problem(429, "quota_exceeded", "The calls of this period are used up.")
SPEND_CAP_REACHED: Final = _problem(
    429, "spend_cap_reached", "The spend cap that you set for this period is reached."
)
API_RATE_LIMIT_EXCEEDED: Final = _problem(
    429, "api_rate_limit_exceeded", "This API gets more calls than it takes; try again."
)

REGISTRY_UNCONFIRMED: Final = _problem(
    503, "registry_unconfirmed", "The gateway cannot confirm its registry.", _RETRY_SOON
)
STORE_COLD: Final = _problem(
    503, "store_cold", "Counters are being rebuilt; try again.", ("retry-after", "2")
)
STORE_UNAVAILABLE: Final = _problem(
    503, "store_unavailable", "Quotas cannot be checked at present; try again.", _RETRY_SOON
)
METERING_UNAVAILABLE: Final = _problem(
    503, "metering_unavailable", "Calls cannot be metered at present; try again.", _RETRY_SOON
)


def required_header_missing(name: str) -> Answer:
    """Return the refusal of a call without a header that the API demands; `header` names it."""
    return _problem(
        400,
        "required_header_missing",
        f"This API needs the header {name}.",
        header=name,
    )


@lru_cache(maxsize=256)
def rate_limit_exceeded(policy: str) -> Answer:
    """Return the refusal of a call beyond a rate limit; `policy` names the window that is used up."""
    return _problem(429, "rate_limit_exceeded", "Too many calls; slow down.", policy=policy)


def header_reserved(name: str) -> Answer:
    """Return the refusal of a call with a header that the API's provider sets, where the proxy could not replace it."""
    return _problem(
        400,
        "header_reserved",
        f"This API sets the header {name} itself; leave it out.",
        header=name,
    )
