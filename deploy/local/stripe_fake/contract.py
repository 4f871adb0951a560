"""Requests held to the SDK's generated parameter types, so that the fake cannot drift to our side.

`stripe.params.*` are TypedDicts generated from Stripe's own API description. A name that is not in
them is refused with `parameter_unknown`, as Stripe does, and values are read by their types.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Mapping
from functools import cache
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from deploy.local.stripe_fake.errors import StripeError

# Sent in the HTTP headers by the SDK, never as parameters.
SDK_OPTIONS = frozenset(RequestOptions.__annotations__)
# Texts that an empty string unsets at Stripe, although the SDK's types cannot say so.
UNSETTABLE_TEXTS = frozenset(
    {
        "business_name",
        "city",
        "country",
        "description",
        "email",
        "individual_name",
        "line1",
        "line2",
        "name",
        "phone",
        "postal_code",
        "receipt_email",
        "state",
        "statement_descriptor",
        "statement_descriptor_suffix",
    }
)
BOOLEANS = {"true": True, "false": False}


class NoParams(TypedDict, total=False):
    """Operations that take nothing but `expand`."""

    expand: list[str]


def read_params(name: str | None, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters, typed and checked.

    Args:
        name: A name in `stripe.params`, such as `CustomerCreateParams` or
            `checkout.SessionCreateParams`; None for an operation without parameters.
        raw: Decoded form values.

    Raises:
        StripeError: 400 for an unknown, missing, empty or ill-typed parameter.
    """
    return _read_dict(_params_class(name), raw, path="")


@cache
def _params_class(name: str | None) -> Any:
    if name is None:
        return NoParams
    *package, cls = name.split(".")
    return getattr(importlib.import_module(".".join(["stripe.params", *package])), cls)


@cache
def _fields(cls: Any) -> dict[str, tuple[bool, Any]]:
    """Return every parameter of a TypedDict: (is required, type)."""
    own = {name: hint for name, hint in cls.__annotations__.items() if name not in SDK_OPTIONS}
    namespace = vars(importlib.import_module(cls.__module__))
    holder = type("Holder", (), {"__annotations__": own})
    hints = get_type_hints(holder, globalns=namespace, include_extras=True)
    fields = {}
    for name, hint in hints.items():
        optional = get_origin(hint) is NotRequired or name in cls.__optional_keys__
        inner = get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint
        fields[name] = (not optional, inner)
    return fields


def _read_dict(cls: Any, raw: Any, path: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise StripeError("Invalid object", param=path)
    fields = _fields(cls)
    for name in raw:
        if name not in fields:
            param = _join(path, name)
            raise StripeError(
                f"Received unknown parameter: {param}", code="parameter_unknown", param=param
            )
    for name, (required, _) in fields.items():
        if required and name not in raw:
            param = _join(path, name)
            raise StripeError(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
    return {name: _read(fields[name][1], raw[name], _join(path, name)) for name in raw}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _read(hint: Any, value: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), value, path)
    if origin is Literal:
        return _read_choice(get_args(hint), value, path)
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise StripeError("Invalid array", param=path)
        item = get_args(hint)[0]
        return [_read(item, child, _join(path, str(i))) for i, child in enumerate(value)]
    if origin is dict:
        return _read_map(value, path)
    if is_typeddict(hint):
        return _read_dict(hint, value, path)
    return _read_scalar(hint, value, path)


def _read_union(options: tuple[Any, ...], value: Any, path: str) -> Any:
    """Return the first reading that fits; else the error of the last structured one."""
    failure = StripeError("Invalid value", param=path)
    seen = False
    if any(get_origin(option) is Literal and not _is_unset(option) for option in options):
        # The SDK leaves its enumerations open for later versions; Stripe of this one does not.
        options = tuple(option for option in options if option is not str)
    for option in sorted(options, key=_is_plain_string):
        try:
            return _read(option, value, path)
        except StripeError as error:
            # An unknown member of a hash says more than "must be one of ''".
            if not seen or not _is_unset(option):
                failure, seen = error, True
    raise failure


def _is_plain_string(option: Any) -> bool:
    return option is str


def _is_unset(option: Any) -> bool:
    return get_origin(option) is Literal and get_args(option) == ("",)


def _read_choice(choices: tuple[Any, ...], value: Any, path: str) -> Any:
    typed = BOOLEANS.get(value, value) if isinstance(value, str) else value
    if typed in choices:
        return typed
    allowed = ", ".join(str(choice) for choice in choices if choice != "")
    raise StripeError(f"Invalid {path}: must be one of {allowed}", param=path)


def _read_map(value: Any, path: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise StripeError("Invalid hash", param=path)
    for name, child in value.items():
        if not isinstance(child, str):
            raise StripeError("Invalid string", param=_join(path, name))
    return dict(value)


def _read_scalar(hint: Any, value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise StripeError(f"Invalid value for {path}", param=path)
    if value == "" and hint is str and path.rpartition("[")[2].rstrip("]") in UNSETTABLE_TEXTS:
        return value
    if value == "":
        raise StripeError(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{path}' cannot be unset.",
            code="parameter_invalid_empty",
            param=path,
        )
    if hint is bool:
        return _read_choice((True, False), value, path)
    if hint is int:
        if value.removeprefix("-").isdecimal():
            return int(value)
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
    return value
