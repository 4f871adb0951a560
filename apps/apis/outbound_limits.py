"""How often an organization may have Tollgate call other people's servers."""

from __future__ import annotations

from typing import Final

from apps.core.rate_limits import RateLimit

DOMAIN_CHECKS: Final = RateLimit("apis.domain_check", "10/m")
UPSTREAM_CHECKS: Final = RateLimit("apis.upstream_check", "10/m")
DOCUMENT_FETCHES: Final = RateLimit("apis.document_fetch", "10/m")
