"""Lines, bars and stacked bars as data for `templates/components/_plot.html`.

Kept plotting libraries put `<style>`, `style=` or scripts into their SVG, which our
Content-Security-Policy refuses, so the few shapes that we need are computed here. A plot has a title, a
description, labelled axes, a legend told by dash or hatch as well as by colour, values on hover and focus,
and its numbers as a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from apps.core.formatting import format_number

Number = float | Decimal
Show = Callable[[Number], str]

WIDTH: Final = 640
HEIGHT: Final = 220
TOP: Final = 16
RIGHT: Final = 12
BOTTOM: Final = 26
CHARACTER_WIDTH: Final = 6.5
TICK_CHARACTER_WIDTH: Final = 8.0  # on narrow screens the ticks are written larger
TICK_GAP: Final = 8
WANTED_TICKS: Final = 4
WANTED_LABELS: Final = 8
BAR_SHARE: Final = 0.7
MAX_BAR_WIDTH: Final = 48
READOUT_LINE: Final = 17
READOUT_PADDING: Final = 10
SPARK_WIDTH: Final = 96
SPARK_HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Series:
    """One run of values, one per label; None leaves a gap. A projection is drawn dashed over an area."""

    label: str
    values: Sequence[Number | None]
    is_projection: bool = False


@dataclass(frozen=True, slots=True)
class PlotData:
    """What a plot says, before it is drawn. `unit` names the value axis; `show` writes a value."""

    title: str
    description: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    show: Show = format_number

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but gaps."""
        return all(value is None for series in self.series for value in series.values)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    position: float
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What one series draws: an SVG path for lines and areas."""

    number: int
    label: str
    is_projection: bool
    line: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One series' value in one slot: a bar or a point, and its words."""

    number: int
    label: str
    text: str
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One label of the horizontal axis: its column, marks and readout box."""

    label: str
    x: float
    width: float
    center: float
    marks: tuple[Mark, ...]
    readout_x: float
    readout_width: float
    readout_height: float

    @property
    def spoken(self) -> str:
        """The slot's values as one sentence for screen readers."""
        return f"{self.label}: " + ", ".join(f"{mark.label} {mark.text}" for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table that says the same as the plot."""

    label: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn plot; the template writes it down as it is."""

    data: PlotData
    kind: str
    left: float
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    shapes: tuple[Shape, ...]
    slots: tuple[Slot, ...]

    width: int = WIDTH
    height: int = HEIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    right: int = WIDTH - RIGHT
    inner_height: int = HEIGHT - BOTTOM - TOP

    @property
    def rows(self) -> list[Row]:
        """The plot's numbers as a table, gaps as dashes."""
        found = []
        for slot in self.slots:
            texts = {mark.number: mark.text for mark in slot.marks}  # written once for both
            numbers = range(1, len(self.data.series) + 1)
            found.append(Row(slot.label, tuple(texts.get(number, "–") for number in numbers)))
        return found


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line without axes, for a table row; `label` says what it shows."""

    label: str
    line: str
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


@dataclass(frozen=True, slots=True)
class _Frame:
    """The scales of one plot: data to drawing coordinates."""

    data: PlotData
    ticks: tuple[float, ...]
    left: float

    @property
    def step(self) -> float:
        return (WIDTH - RIGHT - self.left) / max(1, len(self.data.labels))

    def x(self, index: int) -> float:
        return round(self.left + self.step * (index + 0.5), 1)

    def y(self, value: Number) -> float:
        share = float(value) / self.ticks[-1]
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)


def draw_lines(data: PlotData) -> Plot:
    """Draw values over time as lines; a projection becomes a dashed line over an area."""
    frame = _frame(data, _highest(data))
    shapes = tuple(
        _line_shape(frame, number, series) for number, series in enumerate(data.series, 1)
    )
    slots = tuple(_slot(frame, index, _points(frame, index)) for index in range(len(data.labels)))
    return _plot(frame, "lines", shapes, slots)


def draw_bars(data: PlotData) -> Plot:
    """Draw values side by side, to compare them."""
    frame = _frame(data, _highest(data))
    slots = tuple(_slot(frame, index, _bars(frame, index)) for index in range(len(data.labels)))
    return _plot(frame, "bars", _legend(data), slots)


def draw_stacked_bars(data: PlotData) -> Plot:
    """Draw values on top of each other: parts of a whole, such as status classes."""
    totals = [
        sum(float(series.values[index] or 0) for series in data.series)
        for index in range(len(data.labels))
    ]
    frame = _frame(data, max(totals, default=0))
    slots = tuple(_slot(frame, index, _stack(frame, index)) for index in range(len(data.labels)))
    return _plot(frame, "bars", _legend(data), slots)


def draw_spark(label: str, values: Sequence[Number]) -> Spark:
    """Draw a small line between the least and the greatest value."""
    numbers = [float(value) for value in values]
    least, span = min(numbers, default=0), (max(numbers, default=0) - min(numbers, default=0)) or 1
    step = SPARK_WIDTH / max(1, len(numbers) - 1)
    points = (
        f"{index * step:.1f} {SPARK_HEIGHT - 2 - (number - least) / span * (SPARK_HEIGHT - 4):.1f}"
        for index, number in enumerate(numbers)
    )
    return Spark(label=label, line="M" + " L".join(points) if numbers else "")


def nice_ticks(highest: float, wanted: int = WANTED_TICKS) -> tuple[float, ...]:
    """Return round steps from zero to at least `highest`: multiples of 1, 2, 2.5 or 5 of a power of ten."""
    if highest <= 0:
        return (0.0, 1.0)
    rough = highest / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    count = math.ceil(highest / step - 1e-9)
    return tuple(round(step * index, 10) for index in range(count + 1))


def _highest(data: PlotData) -> float:
    return max(
        (float(v) for series in data.series for v in series.values if v is not None), default=0
    )


def _frame(data: PlotData, highest: float) -> _Frame:
    ticks = nice_ticks(highest)
    longest = max(len(data.show(_plain(tick))) for tick in ticks)
    return _Frame(data=data, ticks=ticks, left=round(longest * TICK_CHARACTER_WIDTH + TICK_GAP, 1))


def _plain(tick: float) -> Number:
    return int(tick) if tick == int(tick) else Decimal(str(tick))


def _plot(frame: _Frame, kind: str, shapes: tuple[Shape, ...], slots: tuple[Slot, ...]) -> Plot:
    every = max(1, math.ceil(len(frame.data.labels) / WANTED_LABELS))
    labels = tuple(
        Tick(frame.x(index), label)
        for index, label in enumerate(frame.data.labels)
        if index % every == 0
    )
    ticks = tuple(Tick(frame.y(tick), frame.data.show(_plain(tick))) for tick in frame.ticks)
    return Plot(frame.data, kind, frame.left, ticks, labels, shapes, slots)


def _legend(data: PlotData) -> tuple[Shape, ...]:
    return tuple(
        Shape(number=number, label=series.label, is_projection=series.is_projection)
        for number, series in enumerate(data.series, 1)
    )


def _line_shape(frame: _Frame, number: int, series: Series) -> Shape:
    runs: list[list[str]] = [[]]
    for index, value in enumerate(series.values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{frame.x(index)} {frame.y(value)}")
    drawn = [run for run in runs if run]
    line = " ".join("M" + " L".join(run if len(run) > 1 else run * 2) for run in drawn)
    base = frame.y(0)
    area = " ".join(
        f"M{run[0].split()[0]} {base} L{' L'.join(run)} L{run[-1].split()[0]} {base}Z"
        for run in drawn
    )
    wants_area = series.is_projection or len(frame.data.series) == 1
    return Shape(number, series.label, series.is_projection, line, area if wants_area else "")


def _points(frame: _Frame, index: int) -> tuple[Mark, ...]:
    return tuple(
        Mark(number, series.label, frame.data.show(value), x=frame.x(index), y=frame.y(value))
        for number, series, value in _values_at(frame.data, index)
    )


def _bars(frame: _Frame, index: int) -> tuple[Mark, ...]:
    group = min(frame.step * BAR_SHARE, MAX_BAR_WIDTH * len(frame.data.series))
    width = group / len(frame.data.series)
    start = frame.x(index) - group / 2
    return tuple(
        _bar(frame, number, series, value, place=(start + (number - 1) * width, width, 0.0))
        for number, series, value in _values_at(frame.data, index)
    )


def _stack(frame: _Frame, index: int) -> tuple[Mark, ...]:
    width = min(frame.step * BAR_SHARE, MAX_BAR_WIDTH)
    marks, below = [], 0.0
    for number, series, value in _values_at(frame.data, index):
        marks.append(
            _bar(frame, number, series, value, place=(frame.x(index) - width / 2, width, below))
        )
        below += float(value)
    return tuple(marks)


def _bar(
    frame: _Frame, number: int, series: Series, value: Number, *, place: tuple[float, float, float]
) -> Mark:
    start, width, below = place
    top, bottom = frame.y(below + float(value)), frame.y(below)
    return Mark(
        number,
        series.label,
        frame.data.show(value),
        x=round(start, 1),
        y=top,
        width=round(max(1.0, width - 1), 1),
        height=round(bottom - top, 1),
    )


def _values_at(data: PlotData, index: int) -> list[tuple[int, Series, Number]]:
    return [
        (number, series, value)
        for number, series in enumerate(data.series, 1)
        if (value := series.values[index]) is not None
    ]


def _slot(frame: _Frame, index: int, marks: tuple[Mark, ...]) -> Slot:
    label = frame.data.labels[index]
    longest = max([len(label), *(len(mark.label) + len(mark.text) + 4 for mark in marks)])
    width = round(longest * CHARACTER_WIDTH + 2 * READOUT_PADDING, 1)
    center = frame.x(index)
    # The box stands on the side that has room.
    readout_x = center + 10 if center + 10 + width <= WIDTH else center - 10 - width
    return Slot(
        label=label,
        x=round(center - frame.step / 2, 1),
        width=round(frame.step, 1),
        center=center,
        marks=marks,
        readout_x=round(readout_x, 1),
        readout_width=width,
        readout_height=READOUT_LINE * (len(marks) + 1) + READOUT_PADDING,
    )
