"""Which endpoints a key, or all keys without the scope `admin`, may call: what was chosen, seen through the API's documents.

Source: docs/domain/keys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias
from uuid import UUID

from apps.apis.enums import SERVED_VERSIONS
from apps.apis.models import Api, Endpoint
from apps.apis.selectors import list_callable_endpoints
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription

Pairs: TypeAlias = tuple[tuple[str, str], ...]


class Described(NamedTuple):
    """An operation of a document."""

    method: str
    path: str
    tag: str


# From the id of a subscription to the operations of its API. Handed on, so that many keys can share what was read.
Describe: TypeAlias = Callable[[UUID], Sequence[Described]]


def described_for(subscription_id: UUID) -> list[Described]:
    """Return the operations that callers of a subscription's API may use: one query."""
    api = Api(pk=Subscription.objects.values_list("api_id", flat=True).get(pk=subscription_id))
    return [Described(*row) for row in list_callable_endpoints(api).values_list(*Described._fields)]


def endpoints_of(key: ApiKey, describe: Describe = described_for) -> Pairs | None:
    """Return what a key may call, sorted; None when it is held to nothing.

    What the documents no longer describe is left out; it comes back with them.
    """
    if not key.endpoints and not key.tags:
        return None
    chosen, tags = set(key.endpoints), set(key.tags)
    found = {
        (row.method, row.path)
        for row in describe(key.subscription_id)
        if row.tag in tags or f"{row.method} {row.path}" in chosen
    }
    return tuple(sorted(found))


def open_endpoints_of(api: Api) -> Pairs | None:
    """Return what keys without the scope `admin` may call, sorted; None when the documents keep nothing for `admin`."""
    rows = list(list_callable_endpoints(api).values_list("method", "path", "requires_admin"))
    kept = {(method, path) for method, path, requires_admin in rows if requires_admin}
    if not kept:
        return None
    return tuple(sorted({(method, path) for method, path, _ in rows} - kept))


def apis_with_kept_endpoints() -> set[UUID]:
    """Return the APIs whose documents keep something for `admin`, so that the others need not be asked one by one."""
    current = Endpoint.objects.filter(version__is_current=True, requires_admin=True)
    served = Endpoint.objects.filter(version__status__in=SERVED_VERSIONS, requires_admin=True)
    rows = current.values_list("version__api_id", flat=True)
    return set(rows.union(served.values_list("version__api_id", flat=True)))
