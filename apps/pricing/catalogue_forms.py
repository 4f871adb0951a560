"""The back office's forms of the catalogue: a definition is written as in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from django import forms
from django.utils.translation import gettext_lazy as _

from apps.pricing.catalogue.documents import Document, read_document
from apps.pricing.catalogue.schema import ordered
from apps.pricing.exceptions import PricingModelInvalid

EXAMPLE = """id: pay-as-you-go
name: Pay as you go
type: usage_based
billing_cycle: monthly
currency: USD
tiers:
  - limit: 1000
    price_per_unit: 0
  - limit: null
    price_per_unit: 0.001
"""


def written(definition: dict[str, Any]) -> str:
    """Return a definition as a file would say it."""
    return yaml.safe_dump(ordered(definition), sort_keys=False, allow_unicode=True, width=100)


class DefinitionForm(forms.Form):
    """A pricing model as YAML. What is wrong is told with its line."""

    text = forms.CharField(
        label=_("Definition"),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "false"}),
        help_text=_("YAML, as a file of the catalogue has it below “pricing_models”."),
    )

    def __init__(self, data: Any = None, *, definition: dict[str, Any] | None = None) -> None:
        """Begin with a model that exists, or with an example."""
        text = EXAMPLE if definition is None else written(definition)
        super().__init__(data, initial={"text": text})
        self._document = Document("")

    def clean_text(self) -> str:
        """Read the YAML."""
        text = str(self.cleaned_data["text"])
        self._document = read_document("", text.encode())
        for problem in self._document.problems:
            self.add_error(None, _line(problem.line, problem.detail))
        return text

    @property
    def definition(self) -> Any:
        """What was written."""
        return self._document.value

    @contextmanager
    def defects_shown(self) -> Iterator[None]:
        """Show each defect of a refused model with its line."""
        try:
            yield
        except PricingModelInvalid as refusal:
            for defect in refusal.extra["errors"]:
                line, _column = self._document.place_of(defect["pointer"])
                self.add_error("text", _line(line, defect["detail"]))


class RollbackForm(forms.Form):
    """Why the catalogue goes back."""

    reason = forms.CharField(label=_("Reason"), max_length=500)


def _line(number: int, detail: str) -> str:
    return str(_("Line %(line)s: %(detail)s") % {"line": number, "detail": detail})
