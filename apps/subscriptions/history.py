"""A subscription's history as a table: when, what, from what to what, for how much, by whom.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TextIO

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.core.formatting import format_day, format_number
from apps.core.ids import parse_public_id
from apps.core.money import Money
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import ChangeKind, SubscriptionStatus
from apps.subscriptions.models import Subscription, SubscriptionChange

COLUMNS: Final = (
    "effective_at",
    "recorded_at",
    "kind",
    "before",
    "after",
    "net_minor",
    "currency",
    "by",
    "reason",
)
# What a spreadsheet would take for a formula.
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change; `by` is empty for readers who may not know."""

    change: SubscriptionChange
    before: tuple[str, ...]
    after: tuple[str, ...]
    by: str

    @property
    def kind(self) -> str:
        """What happened, in words."""
        return str(ChangeKind(self.change.kind).label)

    @property
    def net(self) -> Money | None:
        """What it added to the invoice of its day, before tax."""
        return self.change.net


def list_changes(subscription: Subscription) -> QuerySet[SubscriptionChange]:
    """Return every change of a subscription, newest first."""
    return subscription.changes.order_by("-created_at", "-id")


def history_rows(changes: Iterable[SubscriptionChange], *, names_people: bool) -> list[HistoryRow]:
    """Return changes in words. Two queries, whatever their number.

    Args:
        names_people: whether the reader may know who did it: the subscriber may, the API's provider may not.
    """
    rows = list(changes)
    facts = [facts for row in rows for facts in (row.before, row.after)]
    names = _Names(facts)
    return [
        HistoryRow(
            row,
            tuple(names.words(row.before)),
            tuple(names.words(row.after)),
            row.actor_label if names_people else "",
        )
        for row in rows
    ]


def write_history(rows: Sequence[HistoryRow], target: TextIO) -> None:
    """Write rows as comma-separated values; instants are ISO 8601 in UTC, amounts are minor units."""
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    for row in rows:
        change = row.change
        net = "" if change.net_minor is None else change.net_minor
        told = ("; ".join(row.before), "; ".join(row.after))
        writer.writerow(
            [
                change.effective_at.isoformat(),
                change.created_at.isoformat(),
                change.kind,
                *map(_as_text, told),
                net,
                change.currency,
                _as_text(row.by),
                _as_text(change.reason),
            ]
        )


class _Names:
    """The names of what changes point at."""

    def __init__(self, facts: Sequence[Mapping[str, Any]]) -> None:
        """Read them at once."""
        plans = {
            found[key] for found in facts for key in ("plan", "planned_plan") if found.get(key)
        }
        versions = {found["price_version"] for found in facts if found.get("price_version")}
        self._plans = {
            row.public_id: row.name
            for row in Plan.objects.filter(
                pk__in=[parse_public_id(Plan.id_prefix, key) for key in plans]
            )
        }
        self._versions = {
            row.public_id: row.number
            for row in PriceVersion.objects.filter(
                pk__in=[parse_public_id(PriceVersion.id_prefix, key) for key in versions]
            )
        }

    def words(self, facts: Mapping[str, Any]) -> list[str]:
        """Say what a side of a change was, each fact by itself."""
        found = [
            self._plans.get(facts.get("plan") or "", ""),
            self._plans.get(facts.get("planned_plan") or "", ""),
            self._version(facts.get("price_version")),
            _quantity(facts.get("quantity")),
            str(SubscriptionStatus(facts["status"]).label) if facts.get("status") else "",
            _day(_("trial until %(day)s"), facts.get("trial_ends_at")),
            _day(_("ends %(day)s"), facts.get("ends_at")),
            facts.get("timezone") or "",
        ]
        return [word for word in found if word]

    def _version(self, key: str | None) -> str:
        number = self._versions.get(key or "")
        return _("version %(number)s") % {"number": number} if number else ""


def _quantity(quantity: int | None) -> str:
    return "" if quantity is None else f"× {format_number(quantity)}"


def _day(words: str, instant: str | None) -> str:
    return words % {"day": format_day(datetime.fromisoformat(instant))} if instant else ""


def _as_text(cell: str) -> str:
    """Keep what people wrote from being taken for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell
