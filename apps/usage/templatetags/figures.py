"""The lines of an analytics table, written at once.

A page has some forty such lines of seven cells; as a template they took a third of its time.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.formatting import format_bytes, format_number, format_share
from apps.usage.figures import Figures

if TYPE_CHECKING:
    from apps.usage.analytics_page import Row, Table

register = template.Library()
NOTHING: Final = "–"


@register.simple_tag
def figure_rows(table: Table, calls_url: str) -> SafeString:
    """Write the lines of a table and the sum of all others: `{% figure_rows table calls_url %}`.

    Each line leads to the page narrowed to it, and with `calls_url` to its single calls.
    """
    lines = _Lines(has_calls=bool(calls_url), is_code=table.key == "endpoint")
    parts = [lines.of_group(row) for row in table.rows]
    if table.other is not None:
        parts.append(lines.of_others(table.other, table.other_count))
    return mark_safe("".join(parts))  # noqa: S308 -- every text in it is escaped here


class _Lines:
    """Writes lines; the words that are the same in all of them are looked up once."""

    def __init__(self, *, has_calls: bool, is_code: bool) -> None:
        self._has_calls = has_calls
        self._link = '<a class="mono"' if is_code else "<a"
        self._show = escape(_("Show the calls"))
        self._milliseconds = _("%(ms)s ms")
        words = (
            _("Calls"),
            _("Share"),
            _("Failed"),
            _("Median latency"),
            _("95th percentile"),
            _("Answers"),
        )
        self._cells = [f'<td class="num" data-label="{escape(word)}">' for word in words]

    def of_group(self, row: Row) -> str:
        value, figures = row.group.value, row.group.figures
        label = escape(value.label)
        name = f'{self._link} href="{escape(row.url)}">{label}</a>' if row.url else label
        if value.note:
            name += f'<span class="table__sub">{escape(value.note)}</span>'
        action = ""
        if row.calls_url:
            action = (
                f'<a href="{escape(row.calls_url)}">{self._show}'
                f'<span class="visually-hidden"> · {label}</span></a>'
            )
        return self._line(name, self._numbers(figures, format_share(row.group.share)), action)

    def of_others(self, figures: Figures, count: int) -> str:
        name = ngettext("%(count)s other", "%(count)s others", count) % {"count": count}
        return self._line(escape(name), self._numbers(figures, NOTHING), "")

    def _line(self, name: str, numbers: str, action: str) -> str:
        last = f'<td class="table__actions">{action}</td>' if self._has_calls else ""
        return f'<tr><th scope="row">{name}</th>{numbers}{last}</tr>'

    def _numbers(self, figures: Figures, share: str) -> str:
        texts = (
            format_number(figures.calls),
            share,
            format_number(figures.errors),
            self._latency(figures.p50_ms),
            self._latency(figures.p95_ms),
            format_bytes(figures.response_bytes),
        )
        return "".join(
            f"{cell}{escape(text)}</td>" for cell, text in zip(self._cells, texts, strict=True)
        )

    def _latency(self, ms: int | None) -> str:
        return NOTHING if ms is None else self._milliseconds % {"ms": format_number(ms)}
