"""Asking an upstream whether it is there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

import httpx
from django.utils.translation import gettext as _

from apps.apis.models import Api, HealthCheck
from apps.core import clock, http_client
from apps.core.exceptions import UnsafeUrl

CHECK_TIMEOUT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 1_048_576
MAX_ERROR_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found; `error` says in the provider's words what is wrong."""

    status_code: int | None = None
    latency_ms: int | None = None
    error: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether the upstream answered as expected."""
        return not self.error


def store_finding(api: Api, finding: Finding) -> HealthCheck:
    """Write a probe down."""
    return HealthCheck.objects.create(
        api=api,
        url=api.health_url,
        checked_at=clock.now(),
        is_healthy=finding.is_healthy,
        status_code=finding.status_code,
        latency_ms=finding.latency_ms,
        error=finding.error[:MAX_ERROR_LENGTH],
    )


def probe(api: Api) -> Finding:
    """Call the upstream's health path and judge the answer; reads its secrets, writes nothing."""
    headers = {secret.header_name: secret.value for secret in api.upstream_secrets.all()}
    try:
        answer = http_client.fetch(
            "GET",
            api.health_url,
            headers=headers,
            timeout_s=CHECK_TIMEOUT_S,
            total_s=2 * CHECK_TIMEOUT_S,
            max_bytes=MAX_ANSWER_BYTES,
        )
    except (UnsafeUrl, httpx.HTTPError, ValueError) as error:
        return Finding(error=explain_failure(error))
    expected, latency_ms = api.health_expected_status, round(answer.elapsed_ms)
    if answer.status == expected:
        return Finding(answer.status, latency_ms)
    text = _("It answered %(status)s instead of %(expected)s.")
    return Finding(
        answer.status, latency_ms, text % {"status": answer.status, "expected": expected}
    )


def explain_failure(error: Exception) -> str:
    """Say in the provider's words why there was no answer to judge."""
    match error:
        case UnsafeUrl():
            return str(error.detail)
        case httpx.TimeoutException():
            return _("No answer within %(seconds)s seconds.") % {"seconds": int(CHECK_TIMEOUT_S)}
        case httpx.ConnectError():
            return _connection_error(error)
        case httpx.InvalidURL():
            return _("This is not a valid URL.")
        case httpx.HTTPError():
            return _("The connection broke: %(reason)s") % {"reason": error}
        case _:
            return _("The answer is larger than 1 MB; choose a smaller health path.")


def _connection_error(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _("TLS: the certificate is not valid (%(reason)s).") % {
                "reason": cause.verify_message
            }
        if isinstance(cause, ssl.SSLError):
            return _("TLS: the handshake failed.")
        cause = cause.__cause__ or cause.__context__
    return _("No connection: nothing listens there, or a firewall refuses.")
