"""The question of a quote: its fields and their rules. The REST endpoint and `manage.py quote` read the same shape.

It describes any price that the calculator knows, whether or not a plan may be sold with it, so that everybody can check
the calculator against numbers of their own.

Source: docs/api/quotes.md.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from threading import local
from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.money import CURRENCIES
from apps.pricing.calculator import (
    Conversion,
    DiscountKind,
    PricingModel,
    QuantityRounding,
    TaxPolicy,
)
from apps.pricing.component_drafts import MAX_FREE_EVENTS
from apps.pricing.enums import PackageRoundings
from apps.pricing.models.plans import MAX_QUANTITY

MAX_DIGITS: Final = 30
MAX_PLACES: Final = 12
MAX_COMPONENTS: Final = 50
MAX_TIERS: Final = 100
MAX_AMOUNTS: Final = 10_000
MAX_DISCOUNTS: Final = 20
METER: Final = r"^[a-z][a-z0-9_]{0,59}$"


class ExactInput(serializers.Serializer[Any]):
    """An object of which every field is known: a misspelt price must not be taken for none."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields, by name."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            refusal = serializers.ErrorDetail(
                str(_("This field is not known.")), code="unknown_field"
            )
            raise serializers.ValidationError({name: [refusal] for name in unknown})
        return super().to_internal_value(data)


def _number(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=MAX_DIGITS, decimal_places=MAX_PLACES, **options)


def _price(**options: Any) -> serializers.DecimalField:
    """A price that may be left out; null is the same."""
    return _number(required=False, allow_null=True, min_value=Decimal(0), **options)


def _event_count() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        max_value=MAX_FREE_EVENTS,
        required=False,
        help_text="Prices per event take them for equally large.",
    )


class QuoteTierInput(ExactInput):
    """A step of a ladder: what lies in (previous `up_to`, `up_to`]; null is without end."""

    up_to = _number(allow_null=True)
    unit_price = _price()
    flat_fee = _price()
    package_size = _price()
    rate_percent = _price()


class QuoteConversionInput(ExactInput):
    """Raw units become priced units: bytes, say, that are sold by the gigabyte."""

    operation = serializers.ChoiceField(choices=[(item.value, item.value) for item in Conversion])
    factor = _number()
    rounding = serializers.ChoiceField(
        choices=[(item.value, item.value) for item in QuantityRounding],
        default=QuantityRounding.NONE.value,
    )

    def validate_factor(self, factor: Decimal) -> Decimal:
        """A factor is positive."""
        if factor <= 0:
            raise serializers.ValidationError(_("Choose a number above zero."), code="out_of_range")
        return factor


class QuoteComponentInput(ExactInput):
    """The price of one meter. Which fields count depends on `model`; others are refused."""

    meter = serializers.RegexField(METER, default="calls")
    name = serializers.CharField(max_length=80, required=False)
    model = serializers.ChoiceField(choices=[(item.value, item.value) for item in PricingModel])
    dimensions = serializers.DictField(
        child=serializers.CharField(max_length=200), required=False, allow_empty=False
    )
    unit_price = _price()
    flat_fee = _price()
    tiers = serializers.ListField(
        child=QuoteTierInput(), required=False, allow_null=True, max_length=MAX_TIERS
    )
    free_units = _price()
    package_size = _price()
    package_price = _price()
    package_rounding = serializers.ChoiceField(
        choices=PackageRoundings.choices,
        required=False,
        allow_null=True,
    )
    rate_percent = _price(max_value=Decimal(100))
    fixed_fee = _price()
    free_events = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    free_amount = _price()
    min_per_event = _price()
    max_per_event = _price()
    min_spend = _price()
    max_spend = _price()
    conversion = QuoteConversionInput(required=False, allow_null=True)


class QuotePartInput(ExactInput):
    """A part of a quantity, and the dimensions that it has."""

    dimensions = serializers.DictField(child=serializers.CharField(max_length=200))
    quantity = _number()
    event_count = _event_count()


class QuoteUsageInput(ExactInput):
    """The usage of one meter, in one of four forms. `event_count` says how many events the quantity is the sum of."""

    quantity = _number(required=False)
    event_count = _event_count()
    events = serializers.ListField(child=_number(), required=False, max_length=MAX_AMOUNTS)
    buckets = serializers.ListField(child=_number(), required=False, max_length=MAX_AMOUNTS)
    parts = serializers.ListField(child=QuotePartInput(), required=False, max_length=MAX_AMOUNTS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One form is given, not two."""
        forms = attrs.keys() - {"event_count"}
        if "event_count" in attrs and forms != {"quantity"}:
            text = _("A number of events belongs to a quantity.")
            raise serializers.ValidationError({"event_count": text}, code="unexpected")
        if len(forms) != 1:
            text = _("Give one of quantity, events, buckets and parts.")
            raise serializers.ValidationError(text, code="one_form")
        return attrs


@extend_schema_field(QuoteUsageInput)
class UsageField(serializers.Field[Any, Any, Any, Any]):
    """The usage of one meter; a bare number is its quantity."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the one form that is given, by its name."""
        if isinstance(data, dict):
            return dict(self._forms.run_validation(data))
        try:
            return dict(self._forms.run_validation({"quantity": data}))
        except serializers.ValidationError as refusal:
            errors: Any = refusal.detail
            raise serializers.ValidationError(errors.get("quantity", errors)) from None

    @cached_property
    def _forms(self) -> QuoteUsageInput:
        """The shape of an object, made once for all meters."""
        return QuoteUsageInput()


class QuotePeriodInput(ExactInput):
    """The days of a period, and those of them with service; both ends are included."""

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    service_first_day = serializers.DateField(required=False)
    service_last_day = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Service lies within the period."""
        first, last = attrs["first_day"], attrs["last_day"]
        begins = attrs.setdefault("service_first_day", first)
        ends = attrs.setdefault("service_last_day", last)
        if last < first:
            text = _("The last day is not before the first.")
            raise serializers.ValidationError({"last_day": text}, code="out_of_range")
        if not first <= begins <= last:
            text = _("Service begins within the period.")
            raise serializers.ValidationError({"service_first_day": text}, code="out_of_range")
        if not begins <= ends <= last:
            text = _("Service ends within the period, and not before it begins.")
            raise serializers.ValidationError({"service_last_day": text}, code="out_of_range")
        return attrs


class QuoteDiscountInput(ExactInput):
    """A reduction of all lines, or of those of one meter. Discounts apply in the order given."""

    kind = serializers.ChoiceField(choices=[(item.value, item.value) for item in DiscountKind])
    value = _number(min_value=Decimal(0))
    meter = serializers.RegexField(METER, required=False)


class QuoteTaxInput(ExactInput):
    """A tax rate, and where it is rounded."""

    percent = _number(min_value=Decimal(0), max_value=Decimal(100))
    rounding = serializers.ChoiceField(
        choices=[(item.value, item.value) for item in TaxPolicy], default=TaxPolicy.LINE.value
    )


class QuoteTaxAddressInput(ExactInput):
    """Where the buyer is; the rate known for the country today is used."""

    country = serializers.RegexField(r"^[A-Z]{2}$")


class QuoteInput(ExactInput):
    """A plan or an inline price, and a usage by meter."""

    plan = serializers.CharField(required=False, help_text="Public id of a plan, `pln_…`.")
    currency = serializers.CharField(
        required=False,
        max_length=3,
        help_text="ISO 4217. With a plan: one that it has prices in; left out, its default one.",
    )
    quantity = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_QUANTITY,
        help_text="Units of the plan; 1 if left out.",
    )
    components = serializers.ListField(
        child=QuoteComponentInput(), required=False, max_length=MAX_COMPONENTS
    )
    usage = serializers.DictField(child=UsageField(), default=dict)
    period = QuotePeriodInput(required=False)
    discounts = serializers.ListField(
        child=QuoteDiscountInput(), required=False, max_length=MAX_DISCOUNTS
    )
    promotion_code = serializers.CharField(
        required=False,
        max_length=40,
        help_text="A code to try; the caller's organization is asked.",
    )
    promotions = serializers.BooleanField(
        required=False, help_text="Whether promotions that apply by themselves are counted too."
    )
    tax = QuoteTaxInput(required=False)
    tax_address = QuoteTaxAddressInput(required=False)

    def validate_currency(self, code: str) -> str:
        """A currency is one of ISO 4217."""
        if code not in CURRENCIES:
            text = _("Use a currency code of ISO 4217, such as USD.")
            raise serializers.ValidationError(text, code="unknown_currency")
        return code

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either a plan or a price is given, and at most one source of the tax."""
        if ("plan" in attrs) == ("components" in attrs):
            text = _("Give either a plan or components.")
            raise serializers.ValidationError({"plan": text}, code="plan_or_components")
        if "components" in attrs and "currency" not in attrs:
            raise serializers.ValidationError(
                {"currency": _("Prices need a currency.")}, code="required"
            )
        if "components" in attrs and "quantity" in attrs:
            text = _("Only plans are sold by quantity.")
            raise serializers.ValidationError({"quantity": text}, code="unexpected")
        for name in ("promotion_code", "promotions"):
            if name in attrs and ("plan" not in attrs or "discounts" in attrs):
                text = _("Promotions hold for a plan, without discounts of your own.")
                raise serializers.ValidationError({name: text}, code="unexpected")
        if "tax" in attrs and "tax_address" in attrs:
            text = _("Give either a tax rate or an address.")
            raise serializers.ValidationError({"tax_address": text}, code="unexpected")
        return attrs


# What was made for a thread, by language.
_made = local()


def read_question(data: Any) -> dict[str, Any]:
    """Return a question as `QuoteInput` validates it.

    Making its hundred fields takes longer than checking them, so each thread keeps its own. They are kept by language
    because fields keep the words of a refusal once these were said.

    Raises:
        ValidationError: names each field that is wrong.
    """
    if not isinstance(data, dict):
        QuoteInput(data=data).is_valid(raise_exception=True)
    by_language: dict[str | None, QuoteInput] = _made.__dict__.setdefault("by_language", {})
    language = get_language()
    if language not in by_language:
        by_language[language] = QuoteInput()
    return dict(by_language[language].run_validation(data))
