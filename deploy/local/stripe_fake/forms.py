"""Stripe's form encoding: `card[number]=4242&expand[0]=customer` to nested dicts and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from deploy.local.stripe_fake.errors import StripeError

SEGMENT = re.compile(r"\[([^\[\]]*)\]")
MAX_DEPTH = 12


def decode(text: str) -> dict[str, Any]:
    """Return the nested parameters of a form body or query string; leaves are strings.

    Raises:
        StripeError: A name has unbalanced brackets, is too deep, or is both value and container.
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _insert(tree, _segments(name), value)
    return {name: _lists(value) for name, value in tree.items()}


def _segments(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    rest = name[len(head) :]
    segments = SEGMENT.findall(rest)
    if (bracket and "".join(f"[{segment}]" for segment in segments) != rest) or not head:
        raise StripeError(f"Invalid parameter name: {name}", param=name)
    if len(segments) > MAX_DEPTH:
        raise StripeError(f"Parameter is nested too deeply: {head}", param=head)
    return [head, *segments]


def _insert(tree: dict[str, Any], segments: Iterable[str], value: str) -> None:
    *parents, leaf = segments
    for segment in parents:
        child = tree.setdefault(segment, {})
        if not isinstance(child, dict):
            raise StripeError(f"Invalid parameter: {segment} is both a value and a hash.")
        tree = child
    # `name[]=a&name[]=b` appends: an empty segment takes the next free index.
    tree[str(len(tree)) if leaf == "" else leaf] = value


def _lists(value: Any) -> Any:
    """Turn containers whose names are 0, 1, 2, ... into lists, at every depth."""
    if not isinstance(value, dict):
        return value
    items = {name: _lists(child) for name, child in value.items()}
    if items and all(name.isdigit() for name in items):
        return [items[name] for name in sorted(items, key=int)]
    return items
