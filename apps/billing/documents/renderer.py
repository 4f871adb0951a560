"""Renders an invoice to PDF with typst.

The document goes in as one JSON text, so nothing in a customer's name can be markup. Fonts are our
own, so a machine without fonts renders the same bytes. The result is PDF/A-3, the archival profile
that may later carry the electronic invoice inside.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import structlog
import typst

from apps.billing.documents.model import InvoiceDocument

FOLDER: Final = Path(__file__).parent
TEMPLATE: Final = FOLDER / "invoice.typ"
FONTS: Final = FOLDER / "fonts"
ARCHIVAL_STANDARD: Final = "a-3a"
# A script that our fonts lack. typst refuses to archive text that it cannot draw.
MISSING_GLYPH: Final = "could not be displayed with font"

logger = structlog.get_logger(__name__)
# One compiler serves the process: it keeps fonts and the parsed template (5 ms an invoice in place
# of 200).
_compiler_lock = Lock()


def render_invoice_pdf(document: InvoiceDocument) -> bytes:
    """Render an invoice to PDF; the same document always gives the same bytes.

    A name in a script that the bundled fonts lack must not block an invoice: such a document is
    rendered with the machine's fonts and as ordinary PDF, and a warning is logged.

    Raises:
        typst.TypstError: the template itself is broken.
    """
    try:
        return _compile(document, pdf_standards=[ARCHIVAL_STANDARD], use_system_fonts=False)
    except typst.TypstError as error:
        if MISSING_GLYPH not in error.message:
            raise
        logger.warning("invoice_pdf_not_archival", number=document.number, reason=error.message)
        return _compile(document, pdf_standards=[], use_system_fonts=True)


def render_invoice_pages(document: InvoiceDocument, *, pixels_per_inch: int = 110) -> list[bytes]:
    """Render an invoice to one PNG per page, for previews and for looking at the layout."""
    with _compiler_lock:
        pages = _compiler(use_system_fonts=False).compile(
            format="png", ppi=pixels_per_inch, sys_inputs=_inputs(document)
        )
    return [pages] if isinstance(pages, bytes) else list(pages or ())


def _compile(
    document: InvoiceDocument, *, pdf_standards: list[typst.PDFStandard], use_system_fonts: bool
) -> bytes:
    with _compiler_lock:
        pdf = _compiler(use_system_fonts=use_system_fonts).compile(
            format="pdf",
            sys_inputs=_inputs(document),
            pdf_standards=pdf_standards,
            timestamp=int(document.issued_at.timestamp()),
        )
    if not isinstance(pdf, bytes):
        raise TypeError("typst returned no document")
    return pdf


def _inputs(document: InvoiceDocument) -> dict[str, str]:
    content = asdict(document) | {
        "issued_at": document.issued_at.isoformat(),
        "labels": dict(document.labels),
    }
    return {"invoice": json.dumps(content, ensure_ascii=False)}


@cache
def _compiler(*, use_system_fonts: bool) -> typst.Compiler:
    return typst.Compiler(
        TEMPLATE,
        root=FOLDER,
        font_paths=[FONTS],
        ignore_system_fonts=not use_system_fonts,
    )
