"""What an invoice says, as text in its reader's language.

The renderer only lays it out: amounts, dates and labels are written by the caller, so that the PDF
and the portal can never disagree. Nothing here knows a database row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

REQUIRED_LABELS: Final = frozenset(
    {
        "amount",
        "amount_due",
        "bill_to",
        "description",
        "from",
        "invoice",
        "page",
        "quantity",
        "reference",
        "subtotal",
        "tax_id",
        "total",
        "unit_price",
    }
)


class Tone(StrEnum):
    """The colour of a state; its words say the same."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The seller or the buyer."""

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value: a date, the period, a tax, a credit."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStep:
    """One step of a line's working.

    Attributes:
        label: what was priced, such as `1,001 to 5,000`.
        working: how, such as `4,000 × $0.01`.
        amount: result, unrounded.
    """

    label: str
    working: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """One line of the invoice with its working.

    Attributes:
        title: what was sold.
        detail: of which period or share, such as `17 of 31 days`.
        quantity: empty when the line has none.
        unit_price: empty when more than one price was used.
        amount: settled amount.
        reference: public id of the line, by which every call behind it can be found.
        steps: the working; may be empty.
    """

    title: str
    amount: str
    detail: str = ""
    quantity: str = ""
    unit_price: str = ""
    reference: str = ""
    steps: tuple[LineStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentState:
    """What has become of the invoice: `Paid`, and when and how."""

    text: str
    tone: Tone
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """A whole invoice.

    Attributes:
        language: language tag of all texts (`en`, `es`, `fr`, `hi`).
        number: the gapless number, empty on a draft.
        issued_at: instant of issue, with a zone; it becomes the file's date, so that the same
            invoice always gives the same bytes.
        facts: dates and period, in the order of printing.
        taxes: one row per rate, in the order of printing.
        credits: credit notes, balance and payments taken off after tax; amounts are negative.
        stamp: large word across the top, such as `Draft` or `Test`.
        proof: how the reader can check the invoice, above the footer.
        footer: legal line at the foot of every page.
        labels: the words of `REQUIRED_LABELS`; `page` has the places `{page}` and `{pages}`.
    """

    language: str
    number: str
    issued_at: datetime
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    subtotal: str
    total: str
    amount_due: str
    payment: PaymentState
    labels: Mapping[str, str]
    facts: tuple[Fact, ...] = ()
    taxes: tuple[Fact, ...] = ()
    credits: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    stamp: str = ""
    proof: str = ""
    footer: str = ""

    def __post_init__(self) -> None:
        """Refuse a document that would be printed without a word or a date."""
        missing = sorted(REQUIRED_LABELS - self.labels.keys())
        if missing:
            raise ValueError(f"labels are missing: {', '.join(missing)}")
        if self.issued_at.tzinfo is None:
            raise ValueError("issued_at needs a time zone")
