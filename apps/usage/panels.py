"""What usage adds to the gateway's back-office page."""

from __future__ import annotations

from typing import Any

from apps.usage.selectors import shipper_standings


def shipper_panel() -> dict[str, Any]:
    """Return the nodes that ship calls; the page is the operators'."""
    return {"shippers": shipper_standings(), "may_retire": True}
