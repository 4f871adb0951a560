"""Portal pages of usage."""

from apps.usage.views.analytics import overview, provider, provider_api
from apps.usage.views.calls import call, calls, provider_calls
from apps.usage.views.exports import cancel_export, download_export, exports, exports_live
from apps.usage.views.late import late_events, provider_late_events

__all__ = (
    "call",
    "calls",
    "cancel_export",
    "download_export",
    "exports",
    "exports_live",
    "late_events",
    "overview",
    "provider",
    "provider_api",
    "provider_calls",
    "provider_late_events",
)
