"""The decision from memory: everything about a call that needs no counter.

Order (docs/architecture/gateway.md §1): route, credential, key, subscription, tenant claims, test key,
address, scope, endpoint, method, required headers. Counters follow in `limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.credentials import (
    CredentialAmbiguousError,
    CredentialMissingError,
    digest_candidates,
    read_credential,
)
from apps.gateway.authorizer.event_ids import EventIds
from apps.gateway.authorizer.problems import Answer
from apps.gateway.proxy_contract import CREDENTIAL_HEADERS, EXPOSED_HEADERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.gateway.authorizer.credentials import Headers
    from apps.gateway.authorizer.grants import Grant
    from apps.gateway.authorizer.tables import Tables
    from apps.gateway.authorizer.taking import TakeForm
    from apps.gateway.entries import Period, Route

CALLABLE_SUBSCRIPTIONS: Final = frozenset({"active", "trialing", "past_due"})
# Why calls ended while the state still allows them: nobody has moved the subscription on yet.
OVER_REASONS: Final = {"trialing": "trial_over", "active": "cancelled"}
# Of this process; only its randomness is shared.
event_ids: Final = EventIds()
ROUTE_REFUSALS: Final = {
    "suspended": problems.API_SUSPENDED,
    "unhealthy": problems.API_UNAVAILABLE,
}
# By these a client may ask an upstream for another method than the one that was authorised.
METHOD_OVERRIDES: Final = ("x-http-method-override", "x-http-method", "x-method-override")
# Every proxy takes the caller's copies of these away.
REPLACED_HEADERS: Final = frozenset(name.lower() for name in CREDENTIAL_HEADERS)
USABLE_KEYS: Final = frozenset({"active", "rotating"})


@dataclass(slots=True)
class Call:
    """A call as the proxy describes it. Only the proxy's own headers are believed."""

    request_id: str
    slug: str
    method: str
    path: str
    client_ip: str
    headers: Headers
    may_be_preflight: bool = True
    # The proxy cannot take a caller's header away by a name that only the route knows.
    keeps_headers: bool = False
    # The target as the upstream gets it, perhaps with its query; without it no endpoint can be told for certain.
    raw_target: str = ""


@dataclass(slots=True)
class Admission:
    """A call that passes if its counters allow it.

    Event id and decision time are the first decision's when the proxy sent its question again.
    """

    call: Call
    route: Route
    grant: Grant
    period: Period | None
    business_ms: int
    decided_at: int
    event_id: str
    # Of an API with limits of its own: where its share was taken.
    api_cells: Sequence[str] = ()

    def take_form(self) -> TakeForm:
        """Return how this call's limits are taken."""
        return self.grant.take_form(None if self.period is None else self.period.start)


def decide(call: Call, tables: Tables, peppers: Sequence[bytes], now_ms: int) -> Admission | Answer:
    """Decide a call from memory: an admission, or the answer that refuses it."""
    route = tables.find_route(call.slug)
    if route is None:
        return problems.API_NOT_FOUND
    if is_preflight(call) and route.cors_origins:
        return answer_preflight(call, route)
    grant = _identify(call, tables, peppers)
    if isinstance(grant, Answer):
        return grant
    business_ms = now_ms + grant.subscription.clock_offset_ms
    refusal = (
        refuse_key(grant, business_ms)
        or refuse_subscription(grant, business_ms)
        or refuse_claims(grant, route)
        or refuse_use(grant, route, call)
    )
    if refusal is not None:
        return refusal
    period = grant.find_period(business_ms)
    if period is None and grant.needs_period:
        return problems.STORE_COLD
    return Admission(call, route, grant, period, business_ms, now_ms, event_ids.mint(now_ms))


def is_preflight(call: Call) -> bool:
    """Tell whether a browser asks for permission before the real call."""
    if call.method != "OPTIONS" or not call.may_be_preflight:
        return False
    return call.headers.get("access-control-request-method") is not None


def answer_preflight(call: Call, route: Route) -> Answer:
    """Answer a preflight by the route's policy: without a key, without a limit, without a charge."""
    headers = cors_headers(call, route)
    if not headers:
        return Answer("preflight", 204, [("vary", "Origin")])
    asked_headers = call.headers.get("access-control-request-headers") or ""
    asked_method = call.headers.get("access-control-request-method") or ""
    return Answer(
        "preflight",
        204,
        [
            *headers,
            ("access-control-allow-methods", ", ".join(route.methods) or asked_method),
            ("access-control-allow-headers", asked_headers),
            ("access-control-max-age", "600"),
        ],
    )


def cors_headers(call: Call, route: Route) -> problems.HeaderList:
    """Return the headers that let a page of the call's origin read the response; none if it may not."""
    origin = call.headers.get("origin")
    if origin is None or not route.cors_origins:
        return []
    if "*" in route.cors_origins:
        return [("access-control-allow-origin", "*")]
    if origin in route.cors_origins:
        return [("access-control-allow-origin", origin), ("vary", "Origin")]
    return []


def page_headers(call: Call, tables: Tables) -> problems.HeaderList:
    """Return the headers that let a page of the call's origin read a refusal; none if it may not."""
    route = tables.find_route(call.slug)
    headers = [] if route is None else cors_headers(call, route)
    return [*headers, ("access-control-expose-headers", EXPOSED_HEADERS)] if headers else []


def _identify(call: Call, tables: Tables, peppers: Sequence[bytes]) -> Grant | Answer:
    try:
        digests = digest_candidates(read_credential(call.headers), peppers)
    except CredentialMissingError:
        return problems.CREDENTIAL_MISSING
    except CredentialAmbiguousError:
        return problems.CREDENTIAL_AMBIGUOUS
    return tables.find_grant(digests) or problems.CREDENTIAL_INVALID


def refuse_key(grant: Grant, business_ms: int) -> Answer | None:
    """Return the refusal of a key that may not be used now."""
    key = grant.key
    if key.state == "suspended":
        return problems.KEY_SUSPENDED
    if key.state == "expired" or (key.expires_at is not None and key.expires_at <= business_ms):
        return problems.CREDENTIAL_EXPIRED
    return None if key.state in USABLE_KEYS else problems.CREDENTIAL_INVALID


def refuse_subscription(grant: Grant, business_ms: int) -> Answer | None:
    """Return the refusal of a subscription or an organization that may not call now."""
    subscription = grant.subscription
    over = subscription.valid_until is not None and subscription.valid_until <= business_ms
    if over or subscription.state not in CALLABLE_SUBSCRIPTIONS:
        return _inactive(subscription.state)
    if grant.tenant is not None and grant.tenant.state != "active":
        return problems.TENANT_SUSPENDED
    return None


def _inactive(state: str) -> Answer:
    """Return the refusal of a subscription whose state forbids calls, or whose time is over in a state that allows them."""
    reason = OVER_REASONS.get(state, state)
    return problems.SUBSCRIPTION_INACTIVE.get(reason, problems.SUBSCRIPTION_INACTIVE["inactive"])


def refuse_claims(grant: Grant, route: Route) -> Answer | None:
    """Return the refusal of a key that does not belong to its subscription, or to another API."""
    key, subscription = grant.key, grant.subscription
    if key.org_id != subscription.consumer_org_id or key.workspace_id != subscription.workspace_id:
        return problems.TENANT_MISMATCH
    if subscription.api_id != route.api_id:
        return problems.SUBSCRIPTION_NOT_FOR_API
    if key.environment == "test" and not subscription.sandbox:
        return problems.TEST_KEY_REFUSED
    return None


def refuse_use(grant: Grant, route: Route, call: Call) -> Answer | None:
    """Return the refusal of what this call does: from where, with which method, to which endpoint."""
    if route.state != "active":
        return ROUTE_REFUSALS[route.state]
    if not grant.allows_address(call.client_ip):
        return problems.IP_NOT_ALLOWED
    if not grant.allows_method(call.method):
        return problems.SCOPE_INSUFFICIENT
    if grant.is_narrow or (route.open_endpoints is not None and not grant.is_admin):
        refusal = _refuse_endpoint(grant, route, call)
        if refusal is not None:
            return refusal
    if route.methods and call.method not in route.methods:
        return problems.METHOD_NOT_ALLOWED.with_headers([("allow", ", ".join(route.methods))])
    is_asked = route.required_headers or call.keeps_headers
    return _refuse_headers(route, call) if is_asked else None


def _refuse_headers(route: Route, call: Call) -> Answer | None:
    if call.keeps_headers:
        for name, _value in route.upstream_headers:
            if name.lower() not in REPLACED_HEADERS and call.headers.get(name.lower()) is not None:
                return problems.header_reserved(name)
    for name in route.required_headers:
        if not call.headers.get(name):
            return problems.required_header_missing(name)
    return None


def _refuse_endpoint(grant: Grant, route: Route, call: Call) -> Answer | None:
    """Ask what only keys that may not do everything are asked."""
    for name in METHOD_OVERRIDES:
        method = call.headers.get(name)
        if method is not None and method.upper() != call.method:
            return problems.SCOPE_INSUFFICIENT
    if not grant.allows_open_endpoint(route, call.method, call.path, call.raw_target):
        return problems.SCOPE_INSUFFICIENT
    if not grant.allows_endpoint(call.method, call.path, call.raw_target):
        return problems.ENDPOINT_NOT_ALLOWED
    return None
