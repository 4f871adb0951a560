"""Plots: the geometry says what the numbers say."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from apps.core.plots import (
    HEIGHT,
    WIDTH,
    PlotData,
    Series,
    draw_bars,
    draw_lines,
    draw_spark,
    draw_stacked_bars,
    nice_ticks,
)

LABELS = ("Mon", "Tue", "Wed")


def make_data(*series: Series) -> PlotData:
    return PlotData("Calls", "Calls per day.", LABELS, series, "calls")


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, (0, 1)),
        (4, (0, 1, 2, 3, 4)),
        (603, (0, 200, 400, 600, 800)),
        (0.003, (0, 0.001, 0.002, 0.003)),
        (90, (0, 25, 50, 75, 100)),
    ],
)
def test_ticks_are_round_and_cover_the_values(highest: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(highest) == ticks


@given(st.floats(min_value=1e-9, max_value=1e15))
def test_ticks_cover_any_value_with_few_steps(highest: float) -> None:
    ticks = nice_ticks(highest)
    assert ticks[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(ticks) <= 8


def test_greater_values_stand_higher_and_the_axis_is_zero() -> None:
    plot = draw_lines(make_data(Series("Calls", (0, 50, 100))))
    points = [slot.marks[0] for slot in plot.slots]
    assert points[0].y == plot.bottom
    assert points[0].y > points[1].y > points[2].y == plot.top


def test_gap_breaks_the_line_and_the_table_shows_a_dash() -> None:
    plot = draw_lines(make_data(Series("Calls", (1, None, 3)), Series("Errors", (1, 1, 1))))
    assert plot.shapes[0].line.count("M") == 2
    assert [row.texts for row in plot.rows] == [("1", "1"), ("–", "1"), ("3", "1")]


def test_only_projections_and_single_lines_have_an_area() -> None:
    plot = draw_lines(
        make_data(
            Series("Calls", (1, 2, None)), Series("Projected", (None, 2, 3), is_projection=True)
        )
    )
    assert (plot.shapes[0].area, bool(plot.shapes[1].area)) == ("", True)


def test_bars_of_one_label_stand_beside_each_other() -> None:
    plot = draw_bars(make_data(Series("A", (1, 2, 3)), Series("B", (3, 2, 1))))
    first, second = plot.slots[0].marks
    assert first.x + first.width <= second.x
    assert second.height == pytest.approx(3 * first.height, abs=0.2)


def test_stacked_bars_stand_on_each_other_and_end_at_their_sum() -> None:
    plot = draw_stacked_bars(make_data(Series("2xx", (70, 1, 1)), Series("5xx", (30, 1, 1))))
    lower, upper = plot.slots[0].marks
    assert lower.y + lower.height == pytest.approx(plot.bottom)
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.1)
    assert upper.y == plot.top


@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=90))
def test_everything_stays_inside_the_drawing(values: list[Decimal]) -> None:
    labels = [str(index) for index in range(len(values))]
    plot = draw_lines(PlotData("T", "D", labels, [Series("S", values)]))
    for slot in plot.slots:
        assert 0 <= slot.marks[0].x <= WIDTH
        assert 0 <= slot.marks[0].y <= HEIGHT
        assert slot.readout_x + slot.readout_width <= WIDTH


def test_slot_reads_out_its_values() -> None:
    plot = draw_lines(make_data(Series("Calls", (1200, 1, 1)), Series("Errors", (3, None, 1))))
    assert plot.slots[0].spoken == "Mon: Calls 1,200, Errors 3"
    assert plot.slots[1].spoken == "Tue: Calls 1"


def test_spark_of_nothing_is_empty_and_of_one_value_is_a_point() -> None:
    assert draw_spark("Calls", ()).line == ""
    assert draw_spark("Calls", (5,)).line == "M0.0 22.0"


def test_markup_is_well_formed_without_inline_style_and_escapes_labels() -> None:
    plot = draw_bars(make_data(Series("<b>A</b>", (1, 2, 3))))
    html = render_to_string("components/_plot.html", {"plot": plot})
    assert "style=" not in html
    assert "<b>" not in html
    start = html.index("<svg viewBox", html.index("</figcaption>"))
    svg = ET.fromstring(html[start : html.index("</svg>", start) + 6])  # noqa: S314 -- ours
    assert len(svg.findall("g[@class='plot__slot']")) == len(LABELS)


def test_plot_without_values_says_so() -> None:
    html = render_to_string(
        "components/_plot.html", {"plot": draw_lines(make_data(Series("Calls", (None,) * 3)))}
    )
    assert "Nothing to show for this period." in html
