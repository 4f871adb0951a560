"""Typed readers of the environment; a missing or malformed value stops the start with what to do.

Every secret may also come from a file: `NAME_FILE=/path` is read when `NAME` is unset.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from apps.core.addresses import IPNetwork, parse_networks


def env_text(name: str, default: str | None = None) -> str:
    """Return a text value, or the content of the file that `<name>_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    if name not in os.environ and path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            msg = f"{name}_FILE: cannot read {path} ({error.strerror}). Correct the path."
            raise ImproperlyConfigured(msg) from error
    value = os.environ.get(name, default)
    if value is None or (default is None and not value):
        msg = f"{name} is not set. Set it (or {name}_FILE) in the environment."
        raise ImproperlyConfigured(msg)
    return value


def env_bool(name: str, *, default: bool) -> bool:
    """Return a boolean; anything but true/false/1/0/yes/no/on/off is refused."""
    value = os.environ.get(name)
    if value is None or not value:
        return default
    if value.lower() in {"true", "1", "yes", "on"}:
        return True
    if value.lower() in {"false", "0", "no", "off"}:
        return False
    msg = f"{name} must be true or false, not {value!r}."
    raise ImproperlyConfigured(msg)


def env_choice(name: str, default: str, *, choices: Sequence[str]) -> str:
    """Return one of the given words."""
    value = os.environ.get(name) or default
    if value not in choices:
        msg = f"{name} must be one of {', '.join(choices)}, not {value!r}."
        raise ImproperlyConfigured(msg)
    return value


def env_json(name: str, default: dict[str, Any]) -> dict[str, Any]:
    """Return an object written as JSON; its members replace those of the default, level by level."""
    text = env_text(name, "")
    if not text:
        return default
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object.")
    return _merge(default, value)


def env_limits(name: str, default: dict[str, int | None]) -> dict[str, int | None]:
    """Return calls per name of a window, written as JSON: whole numbers from 1, or null for none."""
    found = env_json(name, default)
    for key, value in found.items():
        is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        if key not in default or not (value is None or is_number):
            msg = f"{name}: write {', '.join(default)} with whole numbers from 1, or null."
            raise ImproperlyConfigured(msg)
    return found


def _merge(default: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    merged = dict(default)
    for key, item in value.items():
        held = merged.get(key)
        if isinstance(held, dict) and isinstance(item, dict):
            merged[key] = _merge(held, item)
        else:
            merged[key] = item
    return merged


def env_int(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a whole number not below the minimum."""
    value = os.environ.get(name, str(default))
    try:
        number = int(value)
    except ValueError:
        msg = f"{name} must be a whole number, not {value!r}."
        raise ImproperlyConfigured(msg) from None
    if number < minimum:
        msg = f"{name} must be at least {minimum}, not {number}."
        raise ImproperlyConfigured(msg)
    return number


def env_list(name: str, default: str = "") -> list[str]:
    """Return comma-separated values without blanks."""
    return [part.strip() for part in env_text(name, default).split(",") if part.strip()]


def env_networks(name: str) -> tuple[IPNetwork, ...]:
    """Return networks in CIDR notation."""
    try:
        return parse_networks(env_text(name, ""))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name}: {error}. Write networks like 203.0.113.0/24."
        ) from None


def env_numbered(name: str) -> dict[int, str]:
    """Return numbered secrets, written `2:newest,1:older`."""
    numbered: dict[int, str] = {}
    for part in env_text(name).split(","):
        number, separator, secret = part.strip().partition(":")
        if not separator or not number.isdigit():
            msg = f"{name} must read <number>:<secret>[,<number>:<secret>…]."
            raise ImproperlyConfigured(msg)
        numbered[int(number)] = secret
    return numbered


def env_database(name: str) -> dict[str, Any]:
    """Return Django's settings for a PostgreSQL URL."""
    url = env_text(name)
    try:
        config = dict(environ.Env.db_url_config(url))
    except Exception as error:
        msg = f"{name} is not a database URL. Write postgres://user:password@host:5432/name."
        raise ImproperlyConfigured(msg) from error
    if config.get("ENGINE") != "django.db.backends.postgresql":
        msg = f"{name}: Tollgate runs on PostgreSQL only. Write postgres://user:password@host/name."
        raise ImproperlyConfigured(msg)
    return config
