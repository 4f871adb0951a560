"""Numbers, money and times written in the reader's language.

Babel knows each locale's grouping, decimal mark and currency placement. The decimal places of a currency
are ours (`apps.core.money`), because ISO 4217 and CLDR disagree about some (IQD: 3 and 0).
"""

from __future__ import annotations

import re
from copy import copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final, Literal

from babel import Locale
from babel.dates import format_date as babel_date
from babel.dates import format_skeleton, format_timedelta, get_datetime_format
from babel.dates import format_time as babel_time
from babel.numbers import NumberPattern, format_decimal, format_percent, get_group_symbol
from django.utils import timezone
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from apps.core.money import Money

Width = Literal["short", "medium", "long"]

DEFAULT_LANGUAGE: Final = "en"
BYTES_PER_STEP: Final = 1000
BYTE_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
MILLISECONDS_PER_SECOND: Final = 1000
SECONDS_PER_MINUTE: Final = 60
SECONDS_PER_HOUR: Final = 3600
SECONDS_PER_DAY: Final = 86_400
LETTER_BESIDE_DIGIT: Final = re.compile(r"(?<=[A-Z])(?=\d)")
DAYS_PER_WEEK: Final = 7
COUNTED_DAYS: Final = 60
USUAL_THRESHOLD: Final = 0.85
UNIT_PRICE_PLACES: Final = 12


@cache
def _locale_of(language: str) -> Locale:
    return Locale.parse(to_locale(language))


def reader_locale() -> Locale:
    """Return the Babel locale of the active language."""
    return _locale_of(get_language() or DEFAULT_LANGUAGE)


def format_money(money: Money) -> str:
    """Write a settled amount with its currency and exactly the currency's decimal places."""
    places = _places(money.amount)
    return _currency_text(money.amount, money.currency, places, places)


def format_unit_price(amount: Decimal, currency: str) -> str:
    """Write an unrounded price: at least the currency's places, at most twelve, no trailing zeros."""
    least = _places(Money.zero(currency).amount)
    return _currency_text(amount, currency, least, UNIT_PRICE_PLACES)


def _places(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise TypeError(f"{amount} is not a finite amount")
    return max(0, -exponent)


def _currency_text(amount: Decimal, currency: str, least: int, most: int) -> str:
    locale = reader_locale()
    pattern = _with_places(locale.currency_formats["standard"], least, most)
    text = pattern.apply(amount, locale, currency=currency, currency_digits=False)
    # CLDR parts a symbol of letters from its digits ("KWD 1.500"); Babel leaves that out.
    return LETTER_BESIDE_DIGIT.sub("\u00a0", text)


def _with_places(pattern: NumberPattern, least: int, most: int) -> NumberPattern:
    fixed = copy(pattern)  # the locale's own is shared
    fixed.frac_prec = (least, most)
    return fixed


def format_number(value: Decimal | float, places: int | None = None) -> str:
    """Group a number's digits the reader's way; `places` fixes the decimals."""
    locale = reader_locale()
    if places is None:
        separator = _thousands(locale)
        # A page of figures writes hundreds of whole numbers, and Babel takes ten times as long for each.
        if separator and type(value) is int and value >= 0:
            return f"{value:,}".replace(",", separator)
        return format_decimal(value, locale=locale)
    return str(_fixed(locale, places).apply(value, locale))


@cache
def _thousands(locale: Locale) -> str:
    """Return what parts a whole number's digits where that is every three of them; empty where it is otherwise."""
    pattern = locale.decimal_formats[None]
    if pattern.pattern != "#,##0.###":
        return ""
    separator: str = get_group_symbol(locale)
    return separator


@cache
def _fixed(locale: Locale, places: int) -> NumberPattern:
    return _with_places(locale.decimal_formats[None], places, places)


def format_share(fraction: Decimal | float, places: int = 1) -> str:
    """Write a fraction of one as a percentage: 0.9987 becomes 99.9 % (rounded down, never up to 100)."""
    exact = Decimal(str(fraction))
    step = Decimal(1).scaleb(-places - 2)
    shown = (exact // step) * step
    return format_percent(shown, format=None, locale=reader_locale(), decimal_quantization=False)


def format_bytes(count: int) -> str:
    """Write a size in decimal units: 1500 becomes 1.5 kB."""
    size, unit = Decimal(count), 0
    while abs(size) >= BYTES_PER_STEP and unit < len(BYTE_UNITS) - 1:
        size, unit = size / BYTES_PER_STEP, unit + 1
    places = 0 if unit == 0 or size == size.to_integral_value() else 1
    return f"{format_number(size, places)} {BYTE_UNITS[unit]}"


def format_duration(value: timedelta | float) -> str:
    """Write a span by its two largest units: `82 ms`, `3 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`.

    Args:
        value: A timedelta, or seconds.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if abs(seconds) < 1:
        return _("%(count)s ms") % {
            "count": format_number(round(seconds * MILLISECONDS_PER_SECOND))
        }
    whole = round(abs(seconds))
    days, rest = divmod(whole, SECONDS_PER_DAY)
    hours, rest = divmod(rest, SECONDS_PER_HOUR)
    minutes, left = divmod(rest, SECONDS_PER_MINUTE)
    units = (
        (days, _("%(count)s d")),
        (hours, _("%(count)s h")),
        (minutes, _("%(count)s min")),
        (left, _("%(count)s s")),
    )
    first = next(index for index, (count, _unit) in enumerate(units) if count)
    parts = [
        text % {"count": format_number(count)} for count, text in units[first : first + 2] if count
    ]
    return ("-" if seconds < 0 else "") + " ".join(parts)


def format_time(value: datetime, width: Width = "medium") -> str:
    """Write an instant in the reader's time zone, to the minute; `long` adds seconds and the zone."""
    locale, local = reader_locale(), timezone.localtime(value)
    clock_text = babel_time(local, "long" if width == "long" else "short", locale=locale)
    pattern = str(get_datetime_format("medium", locale=locale))
    day_text = babel_date(local, width, locale=locale)
    return pattern.replace("{0}", clock_text).replace("{1}", day_text).replace("'", "")


def format_day(value: date, width: Width = "medium") -> str:
    """Write a day; an instant is taken as its day in the reader's time zone."""
    day = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return babel_date(day, width, locale=reader_locale())


def format_month(value: date) -> str:
    """Write a day's month and year: `January 2025`."""
    return format_skeleton("yMMMM", value, locale=reader_locale())


def format_relative(value: datetime, now: datetime) -> str:
    """Write how far away an instant is: `in 12 days`, `3 hours ago`."""
    span = value - now
    # Babel would say "2 weeks" for 12 days; a threshold of that many days keeps the unit at days.
    days = abs(span).days
    threshold = days if DAYS_PER_WEEK <= days < COUNTED_DAYS else USUAL_THRESHOLD
    return format_timedelta(span, threshold=threshold, add_direction=True, locale=reader_locale())
