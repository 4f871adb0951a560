"""JSON Schema and values for the drafts of prices, read off their dataclasses.

So the catalogue speaks every field that REST does, as soon as the drafts have it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final

MAX_ITEMS: Final = 100
# A number of YAML or JSON, or its digits as text, which lose nothing on any way.
NUMBER: Final[dict[str, Any]] = {
    "type": ["number", "string"],
    "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,30})?$",
    "minimum": 0,
    "exclusiveMaximum": 10**18,
}
# A day, which begins at midnight UTC, or an instant with its offset.
INSTANT: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}(T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[-+][01][0-9]:[0-5][0-9]))?$",
}
TEXT: Final[dict[str, Any]] = {"type": "string", "maxLength": 300}


def schema_of(  # noqa: PLR0911 -- a table of types
    hint: Any, *, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the JSON Schema of an annotation of a draft; dataclasses become objects that know all of their keys.

    Raises:
        TypeError: nobody said yet how such a field is written.
    """
    inner = _inner_of_optional(hint)
    if inner is not None:
        schema = dict(schema_of(inner))
        if "enum" in schema:
            return {**schema, "enum": [*schema["enum"], None]}
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*kinds, "null"]}
    if _is_record(hint):
        return _object_of(hint, without)
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        if typing.get_origin(item) is tuple:  # pairs of name and value
            return {"type": "object", "additionalProperties": TEXT}
        return {"type": "array", "maxItems": MAX_ITEMS, "items": schema_of(item)}
    if typing.get_origin(hint) in {dict, Mapping}:
        value = schema_of(typing.get_args(hint)[1])
        return {"type": "object", "additionalProperties": value, "maxProperties": MAX_ITEMS}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    plain = {
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        str: TEXT,
        Decimal: NUMBER,
        datetime: INSTANT,
    }
    if hint not in plain:
        raise TypeError(f"no schema for {hint}")
    return dict(plain[hint])


def value_of(hint: Any, given: Any) -> Any:  # noqa: PLR0911 -- a table of types
    """Return what a draft holds for a value that fits `schema_of(hint)`."""
    inner = _inner_of_optional(hint)
    if inner is not None:
        return None if given is None else value_of(inner, given)
    if _is_record(hint):
        hints = typing.get_type_hints(hint)
        return hint(**{name: value_of(hints[name], value) for name, value in given.items()})
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        if typing.get_origin(item) is tuple:
            return tuple(sorted(given.items()))
        return tuple(value_of(item, value) for value in given)
    if typing.get_origin(hint) in {dict, Mapping}:
        return {name: value_of(typing.get_args(hint)[1], value) for name, value in given.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(given)
    if hint is datetime:
        return instant_of(given)
    return decimal_of(given) if hint is Decimal else given


def instant_of(given: str) -> datetime:
    """Return the instant that a text of the form `INSTANT` names; a day begins at midnight UTC.

    Raises:
        ValueError: there is no such day or hour.
    """
    if "T" in given:
        return datetime.fromisoformat(given)
    return datetime.combine(date.fromisoformat(given), time(), UTC)


def decimal_of(value: Any) -> Decimal:
    """Return a number of a definition, which is a whole number, a decimal, or digits as text."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _object_of(kind: Any, without: frozenset[str]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    needed = (
        [name for name in kind._fields if name not in kind._field_defaults]
        if hasattr(kind, "_fields")
        else [
            item.name
            for item in fields(kind)
            if item.default is MISSING and item.default_factory is MISSING
        ]
    )
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in needed if name not in without],
        "properties": {name: schema_of(hints[name]) for name in hints if name not in without},
    }


def _is_record(hint: Any) -> bool:
    """Tell dataclasses and named tuples, which are written as objects."""
    return is_dataclass(hint) or hasattr(hint, "_fields")


def _inner_of_optional(hint: Any) -> Any:
    """Return X of `X | None`, or None for anything else."""
    if typing.get_origin(hint) not in {types.UnionType, typing.Union}:
        return None
    inner = [item for item in typing.get_args(hint) if item is not type(None)]
    return inner[0] if len(inner) == 1 else None
