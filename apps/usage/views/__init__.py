"""Portal pages of usage."""

from apps.usage.views.calls import (
    call,
    calls,
    overview,
    provider,
    provider_api,
    provider_calls,
)
from apps.usage.views.exports import cancel_export, download_export, exports, exports_live

__all__ = (
    "call",
    "calls",
    "cancel_export",
    "download_export",
    "exports",
    "exports_live",
    "overview",
    "provider",
    "provider_api",
    "provider_calls",
)
