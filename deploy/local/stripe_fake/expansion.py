"""`expand[]`: ids in a response replaced by the objects they name."""

from __future__ import annotations

from typing import Any

from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.store import Store

# Left out of the object unless asked for: (kind, field) to the kind listed and the field that links.
INCLUDABLE = {
    ("charge", "refunds"): ("refund", "charge"),
    ("customer", "sources"): ("source", "customer"),
    ("customer", "subscriptions"): ("subscription", "customer"),
    ("customer", "tax_ids"): ("tax_id", "customer"),
}
MAX_DEPTH = 4


def expand(store: Store, value: Any, paths: list[str]) -> Any:
    """Return the response with every path expanded.

    Raises:
        StripeError: 400 for a path that is too deep or names no expandable property.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > MAX_DEPTH:
            raise StripeError("You cannot expand more than 4 levels of a property.", param="expand")
        value = _expand_path(store, value, steps, path)
    return value


def _expand_path(store: Store, value: Any, steps: list[str], path: str) -> Any:
    if not steps or value is None:
        return value
    if isinstance(value, list):
        return [_expand_path(store, item, steps, path) for item in value]
    step, *rest = steps
    if not isinstance(value, dict):
        raise _not_expandable(path)
    includable = INCLUDABLE.get((value.get("object", ""), step))
    if includable and step not in value:
        value = value | {step: _included_list(store, value, step, includable)}
    if f"_{step}" in value:
        value = value | {step: value[f"_{step}"]}
    if step not in value:
        raise _not_expandable(path)
    child = value[step]
    if isinstance(child, str):
        child = store.find_any(child)
        if child is None:
            raise _not_expandable(path)
    return value | {step: _expand_path(store, child, rest, path)}


def _included_list(store: Store, owner: dict[str, Any], field: str, link: tuple[str, str]) -> Any:
    kind, back = link
    items = [item for item in store.newest_first(kind) if item.get(back) == owner["id"]]
    url = f"/v1/{owner['object']}s/{owner['id']}/{field}"
    return {"object": "list", "data": items, "has_more": False, "url": url}


def _not_expandable(path: str) -> StripeError:
    return StripeError(f"This property cannot be expanded ({path}).", param="expand")
