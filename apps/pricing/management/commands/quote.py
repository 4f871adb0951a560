"""Prices a usage that a file describes, with every step."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.actors import Actor
from apps.core.api.problems import pointers_of
from apps.core.exceptions import DomainError
from apps.core.formatting import format_money
from apps.pricing.quote_input import QuoteInput
from apps.pricing.quotes import Quote, answer_quote


class Command(BaseCommand):
    """Price a usage: `manage.py quote FILE.json`. The file holds what `POST /api/v1/pricing/quote` takes."""

    help = "Price a usage that a JSON file describes; nothing is saved. See docs/api/quotes.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file and the form of the answer."""
        parser.add_argument("file", type=Path, help="a question as JSON; - reads standard input")
        parser.add_argument("--json", action="store_true", help="answer as the REST API does")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, price, print."""
        question = QuoteInput(data=_read(options["file"]))
        if not question.is_valid():
            raise CommandError(_refusal(list(pointers_of(question.errors, ""))))
        try:
            quote = answer_quote(question.validated_data, actor=Actor.system("quote"))
        except DomainError as error:
            defects = error.extra.get("errors")
            raise CommandError(_refusal(defects) if defects else str(error)) from None
        self.stdout.write(
            json.dumps(quote.explain(), indent=2) if options["json"] else _as_text(quote)
        )


def _read(file: Path) -> Any:
    try:
        text = Path("/dev/stdin").read_text() if str(file) == "-" else file.read_text()
        return json.loads(text)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}") from None


def _refusal(defects: list[dict[str, Any]]) -> str:
    lines = [f"{defect['pointer']}: {defect['detail']}" for defect in defects]
    return "\n".join(["The question is not valid.", *lines])


def _as_text(quote: Quote) -> str:
    lines = []
    for line in quote.lines:
        lines.append(f"{line.label:<40} {format_money(line.amount):>20}")
        lines += [f"    {step.formula}" for step in line.charge.steps]
    totals = quote.totals
    if totals.discounts:
        lines.append(f"{'Discounts':<40} {format_money(-totals.discount):>20}")
    if totals.tax.amount_minor:
        lines.append(f"{'Tax':<40} {format_money(totals.tax):>20}")
    lines.append(f"{'Total':<40} {format_money(quote.total):>20}")
    return "\n".join(lines)
