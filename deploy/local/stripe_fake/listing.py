"""Lists in Stripe's form: newest first, with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from deploy.local.stripe_fake.calls import Call, Json
from deploy.local.stripe_fake.errors import StripeError, missing_reference

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
CREATED_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}


def list_objects(
    call: Call, kind: str, url: str, *, filters: Sequence[str] = (), **fixed: Any
) -> Json:
    """Return one page.

    Args:
        call: Its `limit`, `starting_after`, `ending_before` and `created` are read here.
        kind: The kind of object listed.
        url: The list's own path, for the SDK's next page.
        filters: Parameters that must equal the field of the same name.
        fixed: Fields that must have this value whatever the parameters say.
    """
    wanted = {name: call.params[name] for name in filters if name in call.params} | fixed
    found = [
        item
        for item in call.store.newest_first(kind)
        if not item.get("deleted")
        and all(item.get(name) == value for name, value in wanted.items())
        and was_created_within(item["created"], call.params.get("created"))
    ]
    return page(call, found, url)


def page(call: Call, items: list[Json], url: str) -> Json:
    """Cut one page out of all items."""
    limit = call.params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise StripeError(
            f"This value must be between 1 and {MAX_LIMIT}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    if "ending_before" in call.params:
        end = _position(items, call.params["ending_before"], "ending_before")
        start = max(0, end - limit)
        return _list(items[start:end], url, has_more=start > 0)
    start = 0
    if "starting_after" in call.params:
        start = 1 + _position(items, call.params["starting_after"], "starting_after")
    return _list(items[start : start + limit], url, has_more=len(items) > start + limit)


def _list(items: list[Json], url: str, *, has_more: bool) -> Json:
    return {"object": "list", "data": items, "has_more": has_more, "url": url}


def _position(items: list[Json], object_id: str, param: str) -> int:
    for index, item in enumerate(items):
        if item["id"] == object_id:
            return index
    raise missing_reference("object", object_id, param)


def was_created_within(created: int, wanted: Any) -> bool:
    """Return whether a time is the one wanted, or within the bounds wanted."""
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return created == int(wanted)
    return all(CREATED_BOUNDS[name](created, bound) for name, bound in wanted.items())
