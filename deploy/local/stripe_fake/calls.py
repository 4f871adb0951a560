"""One API call as a handler sees it, and the table of operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deploy.local.stripe_fake.errors import missing_reference, resource_missing
from deploy.local.stripe_fake.store import Store

Json = dict[str, Any]


@dataclass
class Call:
    """A checked request.

    Attributes:
        store: The fake's memory, inside the request's transaction.
        params: Typed parameters, without `expand`.
        path: Values captured from the path.
        request_id: `req_…`, also answered in the `Request-Id` header.
        idempotency_key: The client's key, copied into the events of this call.
        base_url: Where this fake is reached, for links in hosted pages.
        events: Events raised so far; delivered after the transaction.
    """

    store: Store
    params: Json
    path: dict[str, str]
    request_id: str
    base_url: str
    idempotency_key: str | None = None
    events: list[Json] = field(default_factory=list)

    def fetch(self, kind: str, name: str = "id") -> Json:
        """Return the object that the path names.

        Raises:
            StripeError: 404 `resource_missing`.
        """
        object_id = self.path[name]
        found = self.store.find(kind, object_id)
        if found is None or found.get("deleted"):
            raise resource_missing(kind, object_id)
        return found

    def reference(self, kind: str, param: str) -> Json | None:
        """Return the object that a parameter names, or None when it is not given.

        Raises:
            StripeError: 400 `resource_missing`.
        """
        object_id = self.params.get(param)
        if not object_id:
            return None
        found = self.store.find(kind, object_id)
        if found is None or found.get("deleted"):
            raise missing_reference(kind, object_id, param)
        return found


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Operation:
    """One row of the table: how a request is recognised, checked and handled."""

    method: str
    pattern: re.Pattern[str]
    params: str | None
    handler: Handler


OPERATIONS: list[Operation] = []


def operation(method: str, path: str, params: str | None = None) -> Callable[[Handler], Handler]:
    """Register a handler.

    Args:
        method: HTTP method.
        path: Such as `/v1/customers/{id}`.
        params: Name of the parameter type in `stripe.params`; None takes only `expand`.
    """
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$")

    def register(handler: Handler) -> Handler:
        OPERATIONS.append(Operation(method, pattern, params, handler))
        return handler

    return register


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """Return the operation of a request with the values in its path."""
    for candidate in OPERATIONS:
        if candidate.method == method and (match := candidate.pattern.match(path)):
            return candidate, match.groupdict()
    return None
