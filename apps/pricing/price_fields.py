"""The form field of a price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms

from apps.pricing.drafts import DECIMAL_PLACES

ZERO: Final = Decimal(0)


class PriceField(forms.DecimalField):
    """An amount in major units with up to twelve decimals."""

    def __init__(self, **options: Any) -> None:
        """Refuse negative amounts."""
        super().__init__(max_digits=30, decimal_places=DECIMAL_PLACES, min_value=ZERO, **options)

    def prepare_value(self, value: Any) -> Any:
        """Show `0.002`, not `0.002000000000`."""
        if not isinstance(value, Decimal):
            return value
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
