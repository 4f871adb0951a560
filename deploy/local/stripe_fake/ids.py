"""Identifiers and times in Stripe's form."""

from __future__ import annotations

import secrets
import string
import time

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return `<prefix>_<random letters and digits>`."""
    return f"{prefix}_{random_token(length)}"


def random_token(length: int) -> str:
    """Return an unguessable text of letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def now() -> int:
    """Return the time in whole seconds since 1970, as Stripe writes it."""
    return int(time.time())
