"""What the demo prints at its end: where everything is, and the proof of the bill."""

from __future__ import annotations

from typing import Final

from deploy.local.demo.story import DemoResult

WIDTH: Final = 78


def render_summary(result: DemoResult) -> str:
    """Return the summary as text."""
    statuses = ", ".join(
        f"{count:,} × {status}" for status, count in sorted(result.statuses.items())
    )
    made = sum(result.statuses.values())
    rows = [
        "═" * WIDTH,
        f"  Portal        {result.portal}",
        f"  Back office   {result.portal}/backoffice/",
        f"  REST API      {result.portal}/api/v1/docs/",
        f"  Gateway       {result.gateway}",
        "",
        *(f"  {login.role:<12}  {login.address:<28} {login.password}" for login in result.logins),
        "",
        "  A call of your own:",
        f"  {result.curl}",
        "",
        f"  Calls made    {made:,} ({statuses})",
        f"  Billed        {result.events_billed:,} events = {result.answered_200:,} calls answered 200  ✓",
        f"  Invoice       {result.invoice_number}  {result.invoice_total} {result.currency}",
        f"                paid by {result.payment_reference}",
        f"  Recomputed    {result.recomputed_total} {result.currency} from the events  ✓",
        f"  Provider      earned {result.earned} {result.currency}",
        f"                {result.invoice_url}",
        "",
        "  Stop with Ctrl-C. `make run` starts it again in seconds; `make clean` forgets it all.",
        "═" * WIDTH,
    ]
    return "\n".join(rows)
