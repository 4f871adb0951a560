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
class _Finding:
    status_code: int | None = None
    latency_ms: int | None = None
    error: str = ""


def check_upstream(*, api: Api) -> HealthCheck:
    """Call the upstream's health path as the gateway would and store what came back.

    Talks to the network, so it must not be called inside a transaction. Name resolution, connection, TLS
    and the status are told apart in `error`; latency is in milliseconds.

    Raises:
        TransactionForbiddenError: called inside a transaction.
    """
    finding = _probe(api)
    return HealthCheck.objects.create(
        api=api,
        url=api.health_url,
        checked_at=clock.now(),
        is_healthy=not finding.error,
        status_code=finding.status_code,
        latency_ms=finding.latency_ms,
        error=finding.error[:MAX_ERROR_LENGTH],
    )


def _probe(api: Api) -> _Finding:
    headers = {secret.header_name: secret.value for secret in api.upstream_secrets.all()}
    try:
        answer = http_client.fetch(
            "GET",
            api.health_url,
            headers=headers,
            timeout_s=CHECK_TIMEOUT_S,
            max_bytes=MAX_ANSWER_BYTES,
        )
    except UnsafeUrl as error:
        return _Finding(error=str(error.detail))
    except httpx.TimeoutException:
        return _Finding(error=_("No answer within %(seconds)s seconds.") % {"seconds": int(CHECK_TIMEOUT_S)})
    except httpx.ConnectError as error:
        return _Finding(error=_connection_error(error))
    except httpx.HTTPError as error:
        return _Finding(error=_("The connection broke: %(reason)s") % {"reason": error})
    except ValueError:
        return _Finding(error=_("The answer is larger than 1 MB; choose a smaller health path."))
    latency_ms = round(answer.elapsed_ms)
    expected = api.health_expected_status
    if answer.status != expected:
        text = _("It answered %(status)s instead of %(expected)s.")
        error_text = text % {"status": answer.status, "expected": expected}
        return _Finding(answer.status, latency_ms, error_text)
    return _Finding(answer.status, latency_ms)


def _connection_error(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _("TLS: the certificate is not valid (%(reason)s).") % {"reason": cause.verify_message}
        if isinstance(cause, ssl.SSLError):
            return _("TLS: the handshake failed.")
        cause = cause.__cause__ or cause.__context__
    return _("No connection: nothing listens there, or a firewall refuses.")
