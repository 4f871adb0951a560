"""Reads the data plane's settings from the environment, without Django.

Every value may also come from a file named by `<NAME>_FILE`, as everywhere in Tollgate.
"""

from __future__ import annotations

import os
from pathlib import Path


class SettingError(Exception):
    """A setting is missing or malformed; the message says what to do."""


def read_text(name: str, default: str | None = None) -> str:
    """Return a text setting.

    Raises: SettingError when it is unset and has no default, or its file cannot be read.
    """
    path = os.environ.get(f"{name}_FILE")
    if name not in os.environ and path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE: cannot read {path} ({error.strerror}).") from error
    value = os.environ.get(name) or default
    if value is None:
        raise SettingError(f"{name} is not set. Set it (or {name}_FILE) in the environment.")
    return value


def read_number(name: str, default: float) -> float:
    """Return a positive number.

    Raises: SettingError.
    """
    text = os.environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        raise SettingError(f"{name} must be a number, not {text!r}.") from None
    if number <= 0:
        raise SettingError(f"{name} must be above zero, not {text}.")
    return number


def read_numbered_secrets(name: str) -> tuple[str, ...]:
    """Return secrets written `2:newest,1:older`, highest number first.

    Raises: SettingError.
    """
    return tuple(secret for _number, secret in sorted(_read_numbered(name).items(), reverse=True))


def read_secret_numbers(name: str) -> tuple[int, ...]:
    """Return the numbers of such secrets, highest first.

    Raises: SettingError.
    """
    return tuple(sorted(_read_numbered(name), reverse=True))


def _read_numbered(name: str) -> dict[int, str]:
    numbered: dict[int, str] = {}
    for part in read_text(name).split(","):
        number, separator, secret = part.strip().partition(":")
        if not separator or not number.isdigit() or not secret:
            raise SettingError(f"{name} must read <number>:<secret>[,<number>:<secret>...].")
        numbered[int(number)] = secret
    return numbered
