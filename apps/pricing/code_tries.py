"""How often an organization may enter promotion codes: they are not to be found by trying."""

from __future__ import annotations

from typing import Final

from apps.core.rate_limits import RateLimit

CODE_TRIES: Final = RateLimit("subscriptions.promotion_code", "20/m")
