"""A grant: one key with its subscription and tenant, compiled into what a decision needs at hand."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer.endpoints import compile_endpoints
from apps.gateway.authorizer.http import render_head
from apps.gateway.authorizer.resp import bulk, bulks
from apps.gateway.authorizer.upstream import contract_upstream_headers, upstream_headers
from apps.gateway.store import names

if TYPE_CHECKING:
    from apps.gateway.authorizer.endpoints import Endpoints
    from apps.gateway.entries import Key, Period, RateLimit, Route, Subscription, Tenant

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING_SCOPES: Final = frozenset({"write", "admin"})
UNLIMITED: Final = -1
_FIXED_ARGUMENTS: Final = 6


class Grant:
    """What a key may do, and the store command that takes one call of it.

    The command's constant parts are encoded once: only request id, event id and time change.
    """

    __slots__ = (
        "_command_head",
        "_command_middle",
        "_command_tails",
        "_contract_head",
        "_contract_route",
        "_endpoints",
        "_may_write",
        "_networks",
        "_open_endpoints",
        "_open_route",
        "_route",
        "_route_head",
        "_windows_arguments",
        "first_tenant_window",
        "has_hard_quota",
        "is_admin",
        "is_narrow",
        "key",
        "needs_period",
        "policy",
        "subscription",
        "tenant",
        "windows",
    )

    def __init__(self, key: Key, subscription: Subscription, tenant: Tenant | None) -> None:
        """Compile the entries of one key."""
        self.key = key
        self.subscription = subscription
        self.tenant = tenant
        self._route: Route | None = None
        self._route_head = b""
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
        self._compile_command(tenant_limits)

    def is_compiled_from(self, key: Key, subscription: Subscription, tenant: Tenant | None) -> bool:
        """Tell whether these very entries made this grant."""
        return self.key is key and self.subscription is subscription and self.tenant is tenant

    def head_for(self, route: Route) -> bytes:
        """Return the constant part of an allowed call's answer: the route's upstream and who calls."""
        if self._route is not route:
            who = [("x-subscription-id", self.key.sub_id), ("x-key-id", self.key.key_id)]
            self._route_head = render_head(200, [*upstream_headers(route), *who])
            self._route = route
        return self._route_head

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

    def take_command(
        self, *, request_id: str, event_id: str, decided_at: int, period_start: int | None
    ) -> bytes:
        """Return the encoded call of `tg1_take` for one call of this key."""
        tail = self._command_tails.get(period_start)
        if tail is None:
            tail = self._compile_tail(period_start)
        mark = names.taken_call(self.subscription.consumer_org_id, request_id)
        return b"".join(
            (
                self._command_head,
                bulk(mark),
                self._command_middle,
                bulks(event_id, str(decided_at)),
                tail,
            )
        )

    def _compile_command(self, tenant_limits: tuple[RateLimit, ...]) -> None:
        org_id = self.subscription.consumer_org_id
        subjects = [
            (names.subscription_counters(org_id, self.key.sub_id), self.subscription.limits)
        ]
        if self.key.limits:
            subjects.append((names.key_windows(org_id, self.key.key_id), self.key.limits))
        if tenant_limits:
            subjects.append((names.tenant_windows(org_id), tenant_limits))
        arguments: list[str] = []
        for _, limits in subjects:
            arguments.append(str(len(limits)))
            for limit in limits:
                arguments += [str(limit.max), str(limit.window_s * 1000)]
        # FCALL, the function's name, the number of keys, then keys and arguments.
        length = 3 + 1 + len(subjects) + _FIXED_ARGUMENTS + len(arguments)
        self._command_head = b"*%d\r\n" % length + bulks(
            "FCALL", "tg1_take", str(1 + len(subjects))
        )
        self._command_middle = bulks(*(name for name, _ in subjects), self.key.key_id)
        self._windows_arguments = bulks(*arguments)
        self._command_tails: dict[int | None, bytes] = {}

    def _compile_tail(self, period_start: int | None) -> bytes:
        quota = self.subscription.quota
        bound = None
        if quota is not None:
            period = next((item for item in quota.periods if item.start == period_start), None)
            bound = quota.hard_limit_in(period)
            if bound is None:
                bound = quota.limit_in(period)
        start = "" if period_start is None else str(period_start)
        hard = "1" if self.has_hard_quota else "0"
        limit = str(UNLIMITED if bound is None else bound)
        tail = bulks(start, limit, hard) + self._windows_arguments
        self._command_tails[period_start] = tail
        return tail
