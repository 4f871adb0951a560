"""Reading files from addresses that providers give."""

from __future__ import annotations

from typing import Final

import httpx
from django.utils.translation import gettext as _

from apps.apis.exceptions import DocumentNotFetched
from apps.core import http_client
from apps.core.exceptions import UnsafeUrl

FETCH_TIMEOUT_S: Final = 10.0
SUCCESS: Final = 200


def fetch_file(url: str, *, accepted: str, max_bytes: int) -> bytes:
    """Read a provider's file from its address; call it outside transactions.

    Raises:
        UnsafeUrl: an address that Tollgate does not call.
        DocumentNotFetched: no answer, not 200, or larger than the limit.
    """
    try:
        answer = http_client.fetch(
            "GET",
            url,
            headers={"Accept": accepted},
            timeout_s=FETCH_TIMEOUT_S,
            max_bytes=max_bytes,
        )
    except UnsafeUrl as error:
        raise UnsafeUrl(error.detail, field="url") from None
    except httpx.HTTPError as error:
        detail = _("The address did not answer: %(reason)s") % {"reason": type(error).__name__}
        raise DocumentNotFetched(detail, field="url") from error
    except ValueError:
        detail = _("The document is larger than %(limit)s MB.")
        limit = max_bytes // (1024 * 1024)
        raise DocumentNotFetched(detail % {"limit": limit}, field="url") from None
    if answer.status != SUCCESS:
        detail = _("The address answered %(status)s.") % {"status": answer.status}
        raise DocumentNotFetched(detail, field="url")
    return answer.body
