"""From where a request comes."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the caller's address; X-Forwarded-For counts only behind the configured proxies.

    Each of the `TRUSTED_PROXY_COUNT` proxies appends one address, so the last that many are theirs; what stands
    before them was sent by the caller and is not believed.
    """
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if trusted and len(forwarded) >= trusted and forwarded[-trusted]:
        return forwarded[-trusted]
    return str(request.META.get("REMOTE_ADDR", ""))
