"""Values in four languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import format_decimal
from django.utils import timezone, translation

from apps.core import formatting
from apps.core.money import Money

INSTANT = datetime(2026, 11, 20, 22, 15, 30, tzinfo=UTC)


def plain(text: str) -> str:
    """Return the text with ordinary spaces."""
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "$1,234.50"), ("es", "1.234,50 US$"), ("fr", "1 234,50 $US"), ("hi", "$1,234.50")],
)
def test_money_follows_the_reader(language: str, shown: str) -> None:
    with translation.override(language):
        assert plain(formatting.format_money(Money(123_450, "USD"))) == shown


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (Money(100, "JPY"), "¥100"),
        (Money(1500, "KWD"), "KWD 1.500"),
        (Money(1500, "IQD"), "IQD 1.500"),
        (Money(-5, "USD"), "-$0.05"),
    ],
)
def test_money_has_exactly_its_currencys_places(money: Money, shown: str) -> None:
    assert plain(formatting.format_money(money)) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("0.000125"), "$0.000125"),
        (Decimal("0.500000000000"), "$0.50"),
        (Decimal("0.000000000001"), "$0.000000000001"),
        (Decimal(3), "$3.00"),
    ],
)
def test_unit_price_keeps_what_counts(amount: Decimal, shown: str) -> None:
    assert formatting.format_unit_price(amount, "USD") == shown


def test_formatting_does_not_change_the_locales_own_pattern() -> None:
    formatting.format_unit_price(Decimal("0.000125"), "USD")
    assert formatting.format_money(Money(1, "USD")) == "$0.01"


@pytest.mark.parametrize(("language", "shown"), [("en", "1,234,567"), ("hi", "12,34,567")])
def test_number_is_grouped_for_the_reader(language: str, shown: str) -> None:
    with translation.override(language):
        assert formatting.format_number(1_234_567) == shown


@pytest.mark.parametrize("language", ["en", "es", "fr", "hi", "de", "ar", "pt"])
def test_numbers_are_written_as_babel_does(language: str) -> None:
    with translation.override(language):
        locale = formatting.reader_locale()
        for number in (0, 7, 999, 1_000, 12_345, 999_999, 1_234_567, 10**12, -5, -12_345, 1234.5):
            assert formatting.format_number(number) == format_decimal(number, locale=locale)


@pytest.mark.parametrize(
    ("fraction", "places", "shown"),
    [(Decimal("0.9999"), 1, "99.9%"), (Decimal(1), 1, "100%"), (Decimal("0.9987"), 2, "99.87%")],
)
def test_share_is_never_rounded_up_to_all(fraction: Decimal, places: int, shown: str) -> None:
    assert formatting.format_share(fraction, places) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2 MB")]
)
def test_bytes_are_decimal(count: int, shown: str) -> None:
    assert formatting.format_bytes(count) == shown


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (0, "0 ms"),
        (0.082, "82 ms"),
        (1, "1 s"),
        (59.7, "1 min"),
        (250, "4 min 10 s"),
        (7512, "2 h 5 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
        (timedelta(days=2, minutes=5), "2 d"),
        (-90, "-1 min 30 s"),
    ],
)
def test_duration_has_two_neighbouring_units(span: float | timedelta, shown: str) -> None:
    assert formatting.format_duration(span) == shown


def test_instant_is_in_the_readers_zone_and_language() -> None:
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert plain(formatting.format_time(INSTANT)) == "Nov 21, 2026, 3:45 AM"
        assert formatting.format_day(INSTANT) == "Nov 21, 2026"
        with translation.override("fr"):
            assert plain(formatting.format_time(INSTANT)) == "21 nov. 2026, 03:45"


def test_day_does_not_move_with_the_zone() -> None:
    with timezone.override(ZoneInfo("America/Los_Angeles")):
        assert formatting.format_day(date(2026, 11, 20)) == "Nov 20, 2026"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(days=12), "in 12 days"),
        (timedelta(days=7), "in 7 days"),
        (timedelta(days=-3), "3 days ago"),
        (timedelta(hours=-5), "5 hours ago"),
        (timedelta(days=90), "in 3 months"),
    ],
)
def test_relative_counts_days_up_to_two_months(span: timedelta, shown: str) -> None:
    assert formatting.format_relative(INSTANT + span, INSTANT) == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "January 2025"), ("es", "enero de 2025"), ("fr", "janvier 2025"), ("hi", "जनवरी 2025")],
)
def test_month_follows_the_reader(language: str, shown: str) -> None:
    with translation.override(language):
        assert formatting.format_month(date(2025, 1, 31)) == shown
