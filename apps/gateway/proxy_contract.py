"""What every proxy profile does alike: headers that are ours, bounds, and the problems that a proxy answers itself.

Source: docs/architecture/gateway.md §1.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

RATE_HEADERS: Final = (
    "Ratelimit",
    "Ratelimit-Policy",
    "X-Ratelimit-Limit",
    "X-Ratelimit-Remaining",
    "X-Ratelimit-Reset",
    "X-Quota-Limit",
    "X-Quota-Remaining",
    "X-Quota-Reset",
)
# Of our headers, what a page may read where its origin is allowed.
EXPOSED_HEADERS: Final = ", ".join(
    (*RATE_HEADERS, "Retry-After", "X-Request-Id", "X-Tollgate-Error")
)
CREDENTIAL_HEADERS: Final = ("X-Subscription-Key", "X-Api-Key", "Authorization")
# How a provider's upstream tells what a call used, for its meters: `tokens=381, rows=4`. The access log keeps it, and the
# consumer gets it too, to check what is charged.
METER_HEADER: Final = "X-Meter"
# They would tell a provider the consumer's address.
FORWARDED_HEADERS: Final = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")

CONNECT_TIMEOUT_S: Final = 5
# Before the connection to the caller is closed, so that it can still be told why.
ANSWER_MARGIN_S: Final = 2
AUTHORIZER_TIMEOUT_S: Final = 3
STOP_TIMEOUT_S: Final = 10
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_BODY_BYTES: Final = 100_000_000
RETRY_STATUS: Final = 503


class Problem(NamedTuple):
    """An answer that the proxy makes itself."""

    status: int
    code: str
    title: str

    @property
    def body(self) -> str:
        """Write it as problem+json (RFC 9457)."""
        members = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        return json.dumps(members)


INVALID_PATH: Final = Problem(400, "invalid_path", "This path has parts that could be misread.")
API_NOT_FOUND: Final = Problem(404, "api_not_found", "No API has this address.")
BODY_TOO_LARGE: Final = Problem(413, "body_too_large", "The body is too large.")
UPSTREAM_UNREACHABLE: Final = Problem(502, "upstream_unreachable", "The API cannot be reached.")
UPSTREAM_TIMEOUT: Final = Problem(504, "upstream_timeout", "The API did not answer in time.")
GATEWAY_UNAVAILABLE: Final = Problem(
    503, "gateway_unavailable", "The gateway cannot decide calls at present."
)
