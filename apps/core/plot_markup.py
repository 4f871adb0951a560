"""Writes a plot down as SVG, and as the rows of its table.

A plot of thirty days has some thousand parts; a template, which looks every name up anew, takes ten times as long for them
as these joined strings. Each text is escaped where it is written, and numbers are written the same in every language.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from apps.core.plots import Mark, Plot, Shape, Slot  # for annotations only: that module draws

BARS: Final = "bars"
POINT_RADIUS: Final = 4


def svg_of(plot: Plot) -> SafeString:
    """Return the drawing: axes, shapes, and above them the columns that show their values."""
    said = f"{escape(plot.data.title)}. {escape(plot.data.description)}"
    size = f"0 0 {plot.width} {plot.height}"
    parts = [f'<svg viewBox="{size}" role="group" aria-label="{said}">']
    if plot.kind == BARS:
        parts.append(render_to_string("components/_plot_hatches.html"))
    parts += _axes(plot)
    parts += (_shape(shape) for shape in plot.shapes)
    if plot.kind == BARS:
        parts += (_bar(mark) for slot in plot.slots for mark in slot.marks)
    # Columns to point at come after all shapes, so that their readouts are on top.
    last = len(plot.slots) - 1
    parts += (_slot(plot, slot, is_last=index == last) for index, slot in enumerate(plot.slots))
    parts.append("</svg>")
    return mark_safe("".join(parts))  # noqa: S308 -- every text in it is escaped here


def rows_of(plot: Plot) -> SafeString:
    """Return the body of the table that says the same."""
    rows = (
        f'<tr><th scope="row">{escape(row.label)}</th>'
        + "".join(f'<td class="num">{escape(text)}</td>' for text in row.texts)
        + "</tr>"
        for row in plot.rows
    )
    return mark_safe("".join(rows))  # noqa: S308 -- as above


def _axes(plot: Plot) -> Iterator[str]:
    for index, tick in enumerate(plot.ticks):
        kind = "plot__grid" if index else "plot__axis"
        yield (
            f'<path class="{kind}" d="M{plot.left} {tick.position}H{plot.right}"/>'
            f'<text class="plot__tick" x="{plot.left}" y="{tick.position}" dx="-6" dy="4"'
            f' text-anchor="end" aria-hidden="true">{escape(tick.text)}</text>'
        )
    if plot.data.unit:
        yield (
            f'<text class="plot__tick" x="{plot.left}" y="4" dy="2" aria-hidden="true">'
            f"{escape(plot.data.unit)}</text>"
        )
    for index, label in enumerate(plot.labels):
        # Narrow screens leave out every second one.
        second = " plot__tick--second" if index % 2 else ""
        yield (
            f'<text class="plot__tick{second}" x="{label.position}" y="{plot.bottom}" dy="18"'
            f' text-anchor="middle" aria-hidden="true">{escape(label.text)}</text>'
        )


def _shape(shape: Shape) -> str:
    dashed = " plot__line--dashed" if shape.is_projection else ""
    area = f'<path class="plot__area" d="{shape.area}"/>' if shape.area else ""
    line = f'<path class="plot__line{dashed}" d="{shape.line}"/>' if shape.line else ""
    return f'<g class="series-{shape.number}">{area}{line}</g>'


def _bar(mark: Mark) -> str:
    box = f'x="{mark.x}" y="{mark.y}" width="{mark.width}" height="{mark.height}"'
    return (
        f'<g class="series-{mark.number}"><rect class="plot__bar" {box}/>'
        f'<rect {box} fill="url(#plot-hatch-{mark.number})"/></g>'
    )


def _slot(plot: Plot, slot: Slot, *, is_last: bool) -> str:
    points = ""
    if plot.kind != BARS:
        points = "".join(
            f'<circle class="plot__point series-{mark.number}" cx="{mark.x}" cy="{mark.y}"'
            f' r="{POINT_RADIUS}"/>'
            for mark in slot.marks
        )
    lines = "".join(
        f'<tspan x="10" dy="17">{escape(mark.label)}: {escape(mark.text)}</tspan>'
        for mark in slot.marks
    )
    return (
        f'<g class="plot__slot" role="img" tabindex="{0 if is_last else -1}"'
        f' aria-label="{escape(slot.spoken)}">'
        f'<rect class="plot__hit" x="{slot.x}" y="{plot.top}" width="{slot.width}"'
        f' height="{plot.inner_height}"/>{points}'
        f'<g class="plot__readout" transform="translate({slot.readout_x} {plot.top})"'
        f' aria-hidden="true"><rect width="{slot.readout_width}"'
        f' height="{slot.readout_height}" rx="6"/><text>'
        f'<tspan class="plot__readout-title" x="10" dy="18">{escape(slot.label)}</tspan>'
        f"{lines}</text></g></g>"
    )
