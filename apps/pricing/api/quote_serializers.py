"""What quotes answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class QuoteLineOutput(serializers.Serializer[Any]):
    """One line of a quote: rounded as an invoice would, with the exact amount and every step."""

    meter = serializers.CharField()
    dimensions = serializers.DictField(child=serializers.CharField(), required=False)
    model = serializers.CharField()
    quantity = serializers.CharField(help_text="In priced units.")
    raw_quantity = serializers.CharField(
        required=False, help_text="Before conversion to priced units, where there is one."
    )
    amount_minor = serializers.IntegerField()
    amount_exact = serializers.CharField()
    steps = serializers.ListField(child=serializers.DictField())


class QuoteOutput(serializers.Serializer[Any]):
    """What a period with this usage would cost, in minor units of the currency."""

    currency = serializers.CharField()
    lines = QuoteLineOutput(many=True)
    fees_minor = serializers.IntegerField(help_text="The sum of the lines.")
    discounts_minor = serializers.ListField(
        child=serializers.IntegerField(), help_text="What each discount took off, in order."
    )
    subtotal_minor = serializers.IntegerField(help_text="Fees less discounts, before tax.")
    tax_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField(help_text="What would be asked for.")
