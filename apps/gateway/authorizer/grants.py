"""A grant: one key with its subscription and tenant, compiled into what a decision needs at hand."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer.endpoints import compile_endpoints
from apps.gateway.authorizer.http import EMPTY_END, render_head, render_headers
from apps.gateway.authorizer.taking import TakeForm
from apps.gateway.authorizer.upstream import contract_upstream_headers, upstream_headers
from apps.gateway.store import names

if TYPE_CHECKING:
    from apps.gateway.authorizer.endpoints import Endpoints
    from apps.gateway.entries import Key, Period, RateLimit, Route, Subscription, Tenant

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING_SCOPES: Final = frozenset({"write", "admin"})
# As `Taken.headers` says it. `%%d`: the limit is put in first.
_RATE_FORM: Final = b"%%d;t=%%d\r\nx-ratelimit-limit: %d\r\nx-ratelimit-remaining: %%d\r\nx-ratelimit-reset: %%d\r\n"
_QUOTA_FORM: Final = b"x-quota-limit: %d\r\nx-quota-remaining: %d\r\nx-quota-reset: %d\r\n"


class Grant:
    """What a key may do, the store command that takes calls of it, and the answers to those that pass.

    What is the same for all calls is encoded once: in a command only ids and time change, in an answer what is left.
    """

    __slots__ = (
        "_answers",
        "_contract_head",
        "_contract_route",
        "_endpoints",
        "_may_write",
        "_networks",
        "_open_endpoints",
        "_open_route",
        "_route",
        "_route_head",
        "_take_forms",
        "_tenant_limits",
        "first_tenant_window",
        "has_hard_quota",
        "is_admin",
        "is_narrow",
        "key",
        "needs_period",
        "policy",
        "stamp",
        "subscription",
        "tenant",
        "windows",
    )

    def __init__(self, key: Key, subscription: Subscription, tenant: Tenant | None) -> None:
        """Compile the entries of one key."""
        self.key = key
        self.subscription = subscription
        self.tenant = tenant
        # Of the tables, when they last found this grant to be compiled from what they hold.
        self.stamp: object = None
        self._route: Route | None = None
        self._route_head = b""
        self._answers: dict[tuple[int, bool], bytes] = {}
        self._contract_route: Route | None = None
        self._contract_head = b""
        self._networks = tuple(ip_network(cidr, strict=False) for cidr in key.ip_allow)
        self._endpoints = None if key.endpoints is None else compile_endpoints(key.endpoints)
        self._open_route: Route | None = None
        self._open_endpoints: Endpoints | None = None
        self._may_write = not WRITING_SCOPES.isdisjoint(key.scopes)
        self.is_admin = "admin" in key.scopes
        # Whether the method and the path of each call must be looked at closely.
        self.is_narrow = self._endpoints is not None or not self._may_write
        quota = subscription.quota
        self.has_hard_quota = quota is not None and quota.is_bounded
        # Without a period to count in, a limited quota would be no limit.
        self.needs_period = self.has_hard_quota or (quota is not None and quota.limit is not None)
        tenant_limits = tenant.limits if tenant else ()
        self.windows: tuple[RateLimit, ...] = (*subscription.limits, *key.limits, *tenant_limits)
        # Windows from this one on are the tenant's (numbered from 0).
        self.first_tenant_window = len(subscription.limits) + len(key.limits)
        self.policy = ", ".join(
            f'"{limit.name}";q={limit.max};w={limit.window_s}' for limit in self.windows
        )
        self._tenant_limits = tenant_limits
        self._take_forms: dict[int | None, TakeForm] = {}

    def is_compiled_from(self, key: Key, subscription: Subscription, tenant: Tenant | None) -> bool:
        """Tell whether these very entries made this grant."""
        return self.key is key and self.subscription is subscription and self.tenant is tenant

    def head_for(self, route: Route) -> bytes:
        """Return the constant part of an allowed call's answer: the route's upstream and who calls."""
        if self._route is not route:
            who = [("x-subscription-id", self.key.sub_id), ("x-key-id", self.key.key_id)]
            self._route_head = render_head(200, [*upstream_headers(route), *who])
            self._route = route
            self._answers = {}
        return self._route_head

    def answer_form(self, route: Route, tightest: int, *, has_quota: bool) -> bytes:
        """Return an allowed call's whole answer, with `%d` where numbers of this call belong.

        They are: what is left of the window with this number (from 1; 0: there is none), its reset in seconds, both again;
        then, with a quota, its limit, what is left of it, and its reset in seconds.
        """
        head = self.head_for(route)
        form = self._answers.get((tightest, has_quota))
        if form is None:
            rate = self._rate_form(tightest) if tightest else b""
            form = head.replace(b"%", b"%%") + rate + (_QUOTA_FORM if has_quota else b"")
            form = self._answers[tightest, has_quota] = form + EMPTY_END
        return form

    def _rate_form(self, tightest: int) -> bytes:
        limit = self.windows[tightest - 1]
        constant = [("ratelimit-policy", self.policy), ("ratelimit", f'"{limit.name}";r=')]
        text = render_headers(constant).removesuffix(b"\r\n").replace(b"%", b"%%")
        return text + _RATE_FORM % limit.max

    def contract_head_for(self, route: Route) -> bytes:
        """Return the constant part of an allowed call's answer to other proxies than Caddy: nothing is left out."""
        if self._contract_route is not route:
            subscription = self.subscription
            who = [
                ("x-subscription-id", self.key.sub_id),
                ("x-key-id", self.key.key_id),
                ("x-credential-id", self.key.key_id),
                ("x-consumer-id", subscription.consumer_org_id),
                ("x-plan", subscription.plan_id),
            ]
            self._contract_head = render_head(200, [*contract_upstream_headers(route), *who])
            self._contract_route = route
        return self._contract_head

    def allows_address(self, address: str) -> bool:
        """Tell whether the key may be used from an address; an unreadable one is refused."""
        if not self._networks:
            return True
        try:
            client = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(client, "ipv4_mapped", None)
        client = mapped or client
        return any(client in network for network in self._networks)

    def allows_method(self, method: str) -> bool:
        """Tell whether the key's scopes cover a method: reading needs any scope, the rest `write` or `admin`."""
        if method in SAFE_METHODS:
            return bool(self.key.scopes)
        return self._may_write

    def allows_endpoint(self, method: str, path: str, raw_target: str) -> bool:
        """Tell whether the key's own endpoints hold a call; a key without a list may call all."""
        return self._endpoints is None or self._endpoints.allow(method, path, raw_target)

    def allows_open_endpoint(self, route: Route, method: str, path: str, raw_target: str) -> bool:
        """Tell whether the provider lets keys without the scope `admin` make a call."""
        if route.open_endpoints is None or self.is_admin:
            return True
        if self._open_route is not route or self._open_endpoints is None:
            self._open_endpoints = compile_endpoints(route.open_endpoints)
            self._open_route = route
        return self._open_endpoints.allow(method, path, raw_target)

    def find_period(self, business_ms: int) -> Period | None:
        """Return the quota period that holds a moment of business time."""
        quota = self.subscription.quota
        if quota is None:
            return None
        for period in quota.periods:
            if period.start <= business_ms < period.end:
                return period
        return None

    def take_form(self, period_start: int | None) -> TakeForm:
        """Return how calls of this key are taken in a period."""
        form = self._take_forms.get(period_start)
        if form is None:
            form = self._take_forms[period_start] = self._compile_take(period_start)
        return form

    def _compile_take(self, period_start: int | None) -> TakeForm:
        key, subscription, org_id = self.key, self.subscription, self.subscription.consumer_org_id
        subjects = [(names.subscription_counters(org_id, key.sub_id), subscription.limits)]
        if key.limits:
            subjects.append((names.key_windows(org_id, key.key_id), key.limits))
        if self._tenant_limits:
            subjects.append((names.tenant_windows(org_id), self._tenant_limits))
        quota, bound = subscription.quota, None
        if quota is not None:
            period = next((item for item in quota.periods if item.start == period_start), None)
            bound = quota.hard_limit_in(period)
            if bound is None:
                bound = quota.limit_in(period)
        return TakeForm(
            org_id=org_id,
            key_id=key.key_id,
            subjects=subjects,
            period_start=period_start,
            bound=bound,
            is_hard=self.has_hard_quota,
        )
