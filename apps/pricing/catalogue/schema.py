"""The JSON Schema of the catalogue's files, and what a value that does not fit it is told.

The schema that is published is the one that files and REST are checked with.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from apps.pricing.catalogue.problems import pointer_to
from apps.pricing.catalogue.shapes import INSTANT, MAX_ITEMS, NUMBER, TEXT, schema_of
from apps.pricing.drafts import (
    DECIMAL_PLACES,
    MAX_FEATURES,
    MAX_INTERVAL_COUNT,
    ComponentDraft,
    FeatureDraft,
    PriceDraft,
)
from apps.pricing.enums import BillingInterval, PlanKind, RefundPolicy, TermEnd, TrialEnd
from apps.pricing.models import MAX_QUANTITY, MAX_TERM_PERIODS
from apps.pricing.promotion_drafts import PromotionDraft

SCHEMA_ID: Final = "urn:tollgate:pricing-catalogue"
MAX_MODELS: Final = 1000
CYCLES: Final[dict[str, tuple[BillingInterval, int]]] = {
    "daily": (BillingInterval.DAY, 1),
    "weekly": (BillingInterval.WEEK, 1),
    "monthly": (BillingInterval.MONTH, 1),
    "quarterly": (BillingInterval.QUARTER, 1),
    "half_yearly": (BillingInterval.HALF_YEAR, 1),
    "yearly": (BillingInterval.YEAR, 1),
}
QUOTA_FIELDS: Final[dict[str, str]] = {
    "second": "rate_per_second",
    "minute": "rate_per_minute",
    "hour": "rate_per_hour",
    "day": "rate_per_day",
    "month": "quota_calls",
    "period": "quota_calls",
}
# Fields of a price that have words of their own in the catalogue.
SAID_OTHERWISE: Final = frozenset(
    {
        "currency",
        "components",
        "interval",
        "interval_count",
        "quota_kind",
        "features",
        *QUOTA_FIELDS.values(),
    }
)
_KEY: Final[dict[str, Any]] = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,59}$"}
_METER: Final[dict[str, Any]] = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$"}
_CURRENCY: Final[dict[str, Any]] = {"type": "string", "pattern": "^[A-Z]{3}$"}
_LIMIT: Final[dict[str, Any]] = {"type": ["integer", "null"], "minimum": 1, "maximum": 10**15}
_WORDS: Final[dict[str, Any]] = {"type": "array", "maxItems": MAX_ITEMS, "items": TEXT}


class ShapeDefect(NamedTuple):
    """A value that does not fit the schema: where, a stable code, and words."""

    pointer: str
    code: str
    detail: str


def _object(properties: dict[str, Any], *required: str, note: str = "") -> dict[str, Any]:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }
    return {**schema, "description": note} if note else schema


def _amounts(note: str) -> dict[str, Any]:
    """A number, or numbers by meter."""
    return {
        **NUMBER,
        "type": [*NUMBER["type"], "object"],
        "propertyNames": {"pattern": _METER["pattern"]},
        "additionalProperties": NUMBER,
        "maxProperties": MAX_ITEMS,
        "description": note,
    }


@functools.cache
def model_schema() -> dict[str, Any]:
    """Return the schema of one pricing model, as files and REST write it."""
    properties = {**_own_properties(), **_price_properties(), **_limit_properties()}
    return _object(properties, "id", "name", "type", "billing_cycle")


def ordered(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition with its keys in the schema's order: the database keeps none."""
    in_order: dict[str, Any] = _ordered(definition, model_schema())
    return in_order


def _ordered(value: Any, schema: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        known = schema.get("properties", {})
        names = [*(name for name in known if name in value), *sorted(value.keys() - known.keys())]
        return {name: _ordered(value[name], known.get(name, {})) for name in names}
    if isinstance(value, list):
        return [_ordered(item, schema.get("items", {})) for item in value]
    return value


@functools.cache
def promotion_schema() -> dict[str, Any]:
    """Return the schema of one promotion of the operator's: what REST takes, and an id."""
    schema = schema_of(PromotionDraft)
    return {
        **schema,
        "required": ["id", *schema["required"]],
        "properties": {"id": _KEY, "active": {"type": "boolean"}, **schema["properties"]},
    }


def _own_properties() -> dict[str, Any]:
    """What a model is called, and how a plan of it begins."""
    return {
        "id": _KEY,
        "name": {"type": "string", "minLength": 1, "maxLength": 80},
        "description": TEXT,
        "type": {"enum": list(PlanKind.values)},
        "active": {"type": "boolean"},
        "adopt": {
            "type": "boolean",
            "description": "Take over a model of this id that the back office or REST made.",
        },
        "billing_cycle": {"enum": list(CYCLES)},
        "interval_count": {"type": "integer", "minimum": 1, "maximum": MAX_INTERVAL_COUNT},
        "trial_days": {"type": "integer", "minimum": 0, "maximum": 730},
        "trial_requires_card": {"type": "boolean"},
        "trial_end": {"enum": list(TrialEnd.values)},
        "term_periods": {"type": "integer", "minimum": 1, "maximum": MAX_TERM_PERIODS},
        "term_end": {"enum": list(TermEnd.values)},
        "term_end_optional": {"type": "boolean"},
        "max_quantity": {"type": "integer", "minimum": 1, "maximum": MAX_QUANTITY},
        "refund_policy": {"enum": list(RefundPolicy.values)},
        "features": {
            "type": "array",
            "maxItems": MAX_FEATURES,
            "items": schema_of(FeatureDraft),
            "description": "What a plan can do beside calls: a key for programs, a label for people.",
        },
    }


def _price_properties() -> dict[str, Any]:
    """What a model costs: in the short form, or by components."""
    overage = {
        "enabled": {"type": "boolean"},
        "price_per_unit": _amounts("Beyond what is included; by meter, or of calls."),
        "grace_units": _amounts("Beyond what is included and still free."),
    }
    return {
        "currency": _CURRENCY,
        "meter": {**_METER, "description": "What the tiers count; calls unless said."},
        "base_price": {**NUMBER, "description": "Due each period, whatever is used."},
        "tiers": {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": _tier()},
        "tier_mode": {"enum": ["graduated", "volume"]},
        "included_usage": _amounts("Free in each period; by meter, or of calls."),
        "overage": _object(overage),
        "components": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "items": schema_of(ComponentDraft),
            "description": "The exact form, as REST writes prices; in place of base price, tiers, "
            "included usage and overage.",
        },
    }


def _limit_properties() -> dict[str, Any]:
    """What a model allows."""
    return {
        "quotas": _object(dict.fromkeys(QUOTA_FIELDS, _LIMIT)),
        "quota_kind": {"enum": ["hard", "soft"]},
        "terms": {
            **schema_of(PriceDraft, without=SAID_OTHERWISE),
            "description": "Other terms of a price, as REST writes them.",
        },
    }


def _tier() -> dict[str, Any]:
    properties = {
        "name": TEXT,
        "limit": {
            **NUMBER,
            "type": [*NUMBER["type"], "null"],
            "description": "Where the tier ends, counted from the first unit; null in the last.",
        },
        "price_per_unit": NUMBER,
        "base_fee": {**NUMBER, "description": "Due once the tier is entered."},
        "features": _WORDS,
    }
    return _object(properties, "limit", "price_per_unit")


@functools.cache
def catalogue_schema() -> dict[str, Any]:
    """Return the schema of a catalogue file, as it is published."""
    settings = _object(
        {
            "default_currency": {**_CURRENCY, "description": "Of models that name none."},
            "currencies": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_ITEMS,
                "items": _CURRENCY,
                "description": "The only ones that models may have.",
            },
            "max_decimals": {
                "type": "integer",
                "minimum": 0,
                "maximum": DECIMAL_PLACES,
                "description": "Of prices.",
            },
        }
    )
    whole = _object(
        {
            # A part that has nothing below its name is empty.
            "settings": {**settings, "type": ["object", "null"]},
            "pricing_models": {
                "type": ["array", "null"],
                "maxItems": MAX_MODELS,
                "items": model_schema(),
            },
            "promotions": {
                "type": ["array", "null"],
                "maxItems": MAX_MODELS,
                "items": promotion_schema(),
            },
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Pricing catalogue",
        **whole,
    }


def defects_of_file(value: Any) -> list[ShapeDefect]:
    """Return where a file's values do not fit the schema."""
    return list(_defects(_validator_of_files(), value))


def defects_of_model(value: Any) -> list[ShapeDefect]:
    """Return where one model's values do not fit the schema."""
    return list(_defects(_validator_of_models(), value))


@functools.cache
def _validator_of_files() -> Draft202012Validator:
    return Draft202012Validator(catalogue_schema())


@functools.cache
def _validator_of_models() -> Draft202012Validator:
    return Draft202012Validator(model_schema())


def _defects(validator: Draft202012Validator, value: Any) -> Iterator[ShapeDefect]:
    for error in validator.iter_errors(value):
        yield from _defects_of(error, pointer_to(*error.absolute_path))


def _defects_of(error: ValidationError, pointer: str) -> Iterator[ShapeDefect]:
    kind, given = str(error.validator), error.instance
    wanted: Any = error.validator_value
    if kind == "additionalProperties" and isinstance(given, dict):
        known = (error.schema if isinstance(error.schema, dict) else {}).get("properties", {})
        for name in given:
            if name not in known:
                yield ShapeDefect(pointer + pointer_to(name), "unknown_key", _unknown(name, known))
    elif kind == "required" and isinstance(given, dict):
        # One error each; jsonschema does not say which key but in words.
        name = next(name for name in wanted if f"'{name}'" in error.message.partition(" ")[0])
        yield ShapeDefect(pointer, "required", _("“%(name)s” is missing.") % {"name": name})
    else:
        code, detail = _words_of(kind, wanted)
        yield ShapeDefect(pointer, code, detail)


def _unknown(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        text = _("“%(name)s” is not known here. Did you mean “%(close)s”?")
        return text % {"name": name, "close": close[0]}
    text = _("“%(name)s” is not known here. Known are: %(known)s.")
    return text % {"name": name, "known": ", ".join(known)}


def _words_of(kind: str, wanted: Any) -> tuple[str, str]:  # noqa: PLR0911 -- a table of words
    if kind == "type":
        names = [wanted] if isinstance(wanted, str) else wanted
        return "wrong_type", _("This must be: %(kinds)s.") % {"kinds": ", ".join(names)}
    if kind == "enum":
        names = [str(name) for name in wanted if name is not None]
        return "unknown_value", _("Choose one of: %(names)s.") % {"names": ", ".join(names)}
    if kind in {"minimum", "exclusiveMinimum"}:
        text = _("Choose a number that is not negative.")
        return "out_of_range", text if wanted == 0 else _("Choose at least %(n)s.") % {"n": wanted}
    if kind in {"maximum", "exclusiveMaximum"}:
        return "out_of_range", _("The number is too large.")
    if kind in {"minItems", "minLength", "minProperties"}:
        return "required", _("This must not be empty.")
    if kind in {"maxItems", "maxLength", "maxProperties"}:
        return "too_long", _("At most %(limit)s are kept.") % {"limit": wanted}
    if wanted == _CURRENCY["pattern"]:
        return "invalid", _("Use a three-letter currency code, such as USD.")
    if wanted == NUMBER["pattern"]:
        return "invalid", _("This is not a number.")
    if wanted == INSTANT["pattern"]:
        return "invalid", _("Write a day, as 2026-12-31, or an instant, as 2026-12-31T23:59:00Z.")
    return "invalid", _("Use lower-case letters, digits, _ and -.")
