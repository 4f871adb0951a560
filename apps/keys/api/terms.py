"""A key's terms as REST takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.keys.constants import MAX_ALLOWED_ADDRESSES, MAX_ENDPOINTS, MAX_RATE, MAX_TAGS
from apps.keys.enums import Scope
from apps.keys.terms import LISTS, TERMS


class EndpointField(serializers.Serializer[Any]):
    """One operation of the API, as its documents write it."""

    method = serializers.CharField(max_length=8)
    path = serializers.CharField(max_length=300, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> Any:
        """Return it as it is stored with a key."""
        values = super().to_internal_value(data)
        return f"{values['method']} {values['path']}"

    def to_representation(self, instance: Any) -> dict[str, str]:
        """Return method and path apart."""
        method, _, path = str(instance).partition(" ")
        return {"method": method, "path": path}


class RateField(serializers.IntegerField):
    """At most so many calls in a window; null for no limit of the key's own."""

    def __init__(self, **options: Any) -> None:
        """Take 1 to a billion or null."""
        super().__init__(
            min_value=1, max_value=MAX_RATE, required=False, allow_null=True, **options
        )


class TermsInput(serializers.Serializer[Any]):
    """What a key may do and for how long."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), required=False, allow_empty=False
    )
    endpoints = serializers.ListField(
        child=EndpointField(),
        required=False,
        max_length=MAX_ENDPOINTS,
        help_text="What the key may call, with `tags`; both empty: every endpoint.",
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        max_length=MAX_TAGS,
        help_text="Groups of the API's documents that the key may call.",
    )
    ip_allow = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, max_length=MAX_ALLOWED_ADDRESSES
    )
    rate_per_second = RateField()
    rate_per_minute = RateField()
    rate_per_hour = RateField()
    rate_per_day = RateField()
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


def terms_among(values: dict[str, Any]) -> dict[str, Any]:
    """Return those of the validated values that are terms, as services take them."""
    terms = {name: values[name] for name in TERMS if name in values}
    return {name: tuple(value) if name in LISTS else value for name, value in terms.items()}
