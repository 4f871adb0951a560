"""The invoice as PDF: what it says, that it is archival, and that the same invoice gives the same bytes."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils.translation import override
from pypdf import PdfReader

from apps.billing.documents import (
    DocumentLine,
    Fact,
    InvoiceDocument,
    LineStep,
    Party,
    PaymentState,
    Tone,
    render_invoice_pages,
    render_invoice_pdf,
)
from apps.billing.documents.explanations import describe_step
from apps.billing.documents.labels import invoice_labels
from apps.pricing.calculator import (
    Component,
    PricingModel,
    Step,
    StepCode,
    Tier,
    Usage,
    rate_component,
)

CALLS = DocumentLine(
    title="City Facts · Calls",
    detail="1 – 30 Nov 2026",
    quantity="5,000",
    amount="$40.00",
    reference="iln_01hzy8m3k5q7t9v1x3z5b7d9f2",
    steps=(
        LineStep(label="First 1,000", working="1,000 × $0.00", amount="$0.00"),
        LineStep(label="Over 1,000 up to 5,000", working="4,000 × $0.01", amount="$40.00"),
    ),
)


@pytest.fixture
def invoice() -> InvoiceDocument:
    with override("en"):
        labels = invoice_labels()
    return InvoiceDocument(
        language="en",
        number="TG-2026-000042",
        issued_at=datetime(2026, 12, 1, 8, 30, tzinfo=UTC),
        seller=Party(name="Tollgate", address=("1 Market Street", "Harare"), tax_id="ZW 1234567"),
        buyer=Party(name="Meridian Labs GmbH", address=("Lindenstraße 12", "10969 Berlin")),
        facts=(Fact("Issued", "1 Dec 2026"), Fact("Due", "15 Dec 2026")),
        lines=(
            DocumentLine(title="City Facts · Growth plan", detail="17 of 30 days", amount="$16.43"),
            CALLS,
        ),
        subtotal="$56.43",
        taxes=(Fact("VAT 15 % on $56.43", "$8.46"),),
        total="$64.89",
        credits=(Fact("Credit note CN-2026-0003", "−$4.89"),),
        amount_due="$60.00",
        payment=PaymentState(text="Open", tone=Tone.NEUTRAL, detail="Due on 15 Dec 2026"),
        labels=labels,
        proof="Every line can be followed down to single calls.",
        footer="Tollgate · registered in Harare",
    )


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_everything_that_matters_is_printed(invoice: InvoiceDocument) -> None:
    (text,) = pages_of(render_invoice_pdf(invoice))
    for expected in (
        "TG-2026-000042",
        "Meridian Labs GmbH",
        "Lindenstraße 12",
        "ZW 1234567",
        "15 Dec 2026",
        "17 of 30 days",
        "Over 1,000 up to 5,000",
        "4,000 × $0.01",
        "iln_01hzy8m3k5q7t9v1x3z5b7d9f2",
        "VAT 15 % on $56.43",
        "−$4.89",
        "$60.00",
        "Due on 15 Dec 2026",
        "Every line can be followed",
        "Page 1 of 1",
    ):
        assert expected in text


def test_same_invoice_gives_the_same_bytes(invoice: InvoiceDocument) -> None:
    first = render_invoice_pdf(invoice)
    render_invoice_pdf(replace(invoice, number="TG-2026-000043"))
    assert render_invoice_pdf(invoice) == first


def test_file_is_archival_and_dated_by_its_issue(invoice: InvoiceDocument) -> None:
    pdf = render_invoice_pdf(invoice)
    facts = PdfReader(io.BytesIO(pdf)).metadata
    assert facts is not None
    assert facts.title == "Invoice TG-2026-000042"
    assert facts.creation_date == invoice.issued_at
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in pdf


def test_text_of_customers_is_never_markup(invoice: InvoiceDocument) -> None:
    hostile = '#panic("x") *bold* $x^2$ <label> \\ " @ref'
    (text,) = pages_of(render_invoice_pdf(replace(invoice, buyer=Party(name=hostile))))
    assert '#panic("x")' in text
    assert "*bold*" in text
    assert "@ref" in text


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("es", "Compañía Ñandú «Ibérica»"),
        ("fr", "Œuvres françaises à 1 234,50 € – l’été"),
        ("hi", "क्षत्रिय विद्यालय, श्री कृष्ण मार्ग ₹१,०००"),
        ("en", "≈ × − … “quotes” €£¥₹"),
        ("en", "Ελληνικά Русский Tiếng Việt Łódź Ğ"),
    ],
)
def test_scripts_of_our_languages_are_archival(
    invoice: InvoiceDocument, language: str, name: str
) -> None:
    with override(language):
        document = replace(
            invoice, language=language, buyer=Party(name=name), labels=invoice_labels()
        )
    pdf = render_invoice_pdf(document)
    assert b"pdfaid:conformance" in pdf
    assert len(pages_of(pdf)) == 1


def test_name_in_a_missing_script_does_not_block_the_invoice(invoice: InvoiceDocument) -> None:
    pdf = render_invoice_pdf(replace(invoice, buyer=Party(name="株式会社 مثال")))
    assert b"pdfaid:conformance" not in pdf
    assert "TG-2026-000042" in pages_of(pdf)[0]


def test_long_invoice_repeats_its_head_and_counts_pages(invoice: InvoiceDocument) -> None:
    pages = pages_of(render_invoice_pdf(replace(invoice, lines=(CALLS,) * 25)))
    assert len(pages) == 3
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of 3" in text
        assert "TG-2026-000042" in text
        assert "Unit price" in text
    assert sum(text.count(CALLS.title) for text in pages) == 25


def test_working_longer_than_a_page_is_printed_whole(invoice: InvoiceDocument) -> None:
    steps = tuple(LineStep(label=f"Day {n}", working="1 × $1", amount="$1") for n in range(200))
    pages = pages_of(render_invoice_pdf(replace(invoice, lines=(replace(CALLS, steps=steps),))))
    assert len(pages) > 2
    printed = [int(day) for text in pages for day in re.findall(r"Day (\d+)", text)]
    assert printed == list(range(200))


def test_pages_are_pictures(invoice: InvoiceDocument) -> None:
    (page,) = render_invoice_pages(invoice)
    assert page.startswith(b"\x89PNG")


def test_missing_label_is_refused(invoice: InvoiceDocument) -> None:
    labels = {name: text for name, text in invoice.labels.items() if name != "total"}
    with pytest.raises(ValueError, match="labels are missing: total"):
        replace(invoice, labels=labels)


def test_date_without_zone_is_refused(invoice: InvoiceDocument) -> None:
    with pytest.raises(ValueError, match="time zone"):
        replace(invoice, issued_at=invoice.issued_at.replace(tzinfo=None))


def test_steps_are_told_in_words() -> None:
    component = Component(
        meter="calls",
        model=PricingModel.GRADUATED,
        tiers=(
            Tier(up_to=Decimal(1000)),
            Tier(up_to=Decimal(5000), unit_price=Decimal("0.01")),
            Tier(up_to=None, unit_price=Decimal("0.005"), flat_fee=Decimal(5)),
        ),
    )
    charge = rate_component(component, Usage(quantity=Decimal(10321)))
    with override("en"):
        described = [describe_step(step, "USD") for step in charge.steps]
    assert described == [
        LineStep(label="First 1,000", working="1,000 × $0.00", amount="$0.00"),
        LineStep(label="Over 1,000 up to 5,000", working="4,000 × $0.01", amount="$40.00"),
        LineStep(label="Over 5,000", working="5,321 × $0.005 + $5.00", amount="$31.605"),
    ]


def test_days_of_a_fee_are_told() -> None:
    component = Component(meter="base", model=PricingModel.FLAT, unit_price=Decimal(29))
    (step,) = rate_component(component, Usage(billed_days=17, period_days=30)).steps
    with override("en"):
        described = describe_step(step, "USD")
    assert described == LineStep(
        label="Fee for 17 of 30 days", working="$29.00 × 17/30", amount="≈ $16.433333"
    )


@pytest.mark.parametrize("code", StepCode)
def test_every_step_has_words(code: StepCode) -> None:
    step = Step(code, Decimal("1.5"), quantity=Decimal("0.25"), limit=Decimal(3))
    with override("en"):
        described = describe_step(step, "USD")
    assert described.label
    assert described.amount == "$1.50"
