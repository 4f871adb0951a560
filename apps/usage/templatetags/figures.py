"""The cells of a line of an analytics table, written at once.

A page has some forty such lines of six cells; as an included template they took a third of its time.
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.core.formatting import format_bytes, format_number, format_share
from apps.usage.figures import Figures

register = template.Library()
NOTHING = "–"


@register.simple_tag
def figure_cells(figures: Figures, share: float | None = None) -> SafeString:
    """Write calls, share, failures, latency and bytes: `{% figure_cells row.group.figures row.group.share %}`."""
    cells = (
        (_("Calls"), format_number(figures.calls)),
        (_("Share"), NOTHING if share is None else format_share(share)),
        (_("Failed"), format_number(figures.errors)),
        (_("Median latency"), _milliseconds(figures.p50_ms)),
        (_("95th percentile"), _milliseconds(figures.p95_ms)),
        (_("Answers"), format_bytes(figures.response_bytes)),
    )
    return format_html_join("", '<td class="num" data-label="{}">{}</td>', cells)


def _milliseconds(value: int | None) -> str:
    return NOTHING if value is None else _("%(ms)s ms") % {"ms": format_number(value)}
