"""Serializer fields shared by all apps."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.money import Money


@extend_schema_field(
    {
        "type": "object",
        "required": ["amount_minor", "currency"],
        "properties": {
            "amount_minor": {"type": "integer", "example": 1250},
            "currency": {"type": "string", "example": "USD", "pattern": "^[A-Z]{3}$"},
        },
    }
)
class MoneyField(serializers.Field[Money, dict[str, Any], dict[str, Any], Any]):
    """Money as `{"amount_minor": 1250, "currency": "USD"}`."""

    default_error_messages = {
        "invalid": _("Write money as {{amount_minor, currency}}."),
    }

    def to_representation(self, value: Money) -> dict[str, Any]:
        """Write the two members."""
        return {"amount_minor": value.amount_minor, "currency": value.currency}

    def to_internal_value(self, data: Any) -> Money:
        """Read the two members."""
        try:
            return Money(data["amount_minor"], data["currency"])
        except (TypeError, KeyError, ValueError):
            self.fail("invalid")
