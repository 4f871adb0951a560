"""What the gateway may let through: the registry's entries and how they are written down.

Plain Python, shared by the relay, which writes entries, and the authorizer, which decides by them. Ids
are opaque text here. Times are Unix milliseconds.

Source: docs/architecture/gateway.md §3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

Scope: TypeAlias = Literal["read", "write", "admin"]

ROUTE: Final = "route"
KEY: Final = "key"
SUBSCRIPTION: Final = "sub"
TENANT: Final = "tenant"

# The id of the tenant entry that holds for every consumer organization without an entry of its own.
EVERY_TENANT: Final = "*"

# Caddy's configuration has this many slots for the provider's own headers.
MAX_UPSTREAM_HEADERS: Final = 4


class UpstreamKind(StrEnum):
    """What the authorizer tells the proxy about an upstream: Caddy has one handler for each."""

    HTTPS = "https"
    HTTP = "http"
    HTTPS_WITH_HEADERS = "https+headers"
    HTTP_WITH_HEADERS = "http+headers"

    @property
    def is_encrypted(self) -> bool:
        """Tell whether the upstream is dialled with TLS."""
        return self in {UpstreamKind.HTTPS, UpstreamKind.HTTPS_WITH_HEADERS}

    @property
    def has_headers(self) -> bool:
        """Tell whether the provider has headers of their own to inject."""
        return self in {UpstreamKind.HTTPS_WITH_HEADERS, UpstreamKind.HTTP_WITH_HEADERS}


class UpstreamTimeout(StrEnum):
    """How long the proxy waits for an upstream to begin its answer. Caddy takes numbers only, so each has handlers."""

    STANDARD = "standard"
    SHORT = "short"
    LONG = "long"

    def seconds(self, longest_s: int) -> int:
        """Return the time in seconds, at most the longest that the proxy can wait."""
        return min(_TIMEOUTS_S.get(self, longest_s), longest_s)


_TIMEOUTS_S: Final = {UpstreamTimeout.SHORT: 10, UpstreamTimeout.STANDARD: 60}


def handler_of(kind: str, timeout: str) -> str:
    """Return the name by which the authorizer tells the proxy how to dial: `https+headers+long`."""
    return f"{kind}+{timeout}"


class InvalidEntryError(ValueError):
    """An entry that no authorizer could serve; the message names the field."""


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `max` calls in any `window_s` seconds (sliding)."""

    name: str
    max: int
    window_s: int


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A half-open range of business time. `extra` calls were granted on top of the plan's quota for it alone."""

    start: int
    end: int
    extra: int = 0


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls per period. `limit` None counts without refusing; `hard` False lets calls pass above it.

    Periods are in order of time; the one that holds the call's business time counts.
    """

    limit: int | None
    hard: bool
    periods: tuple[Period, ...]
    # Calls of the period at which the consumer's own spend cap is reached; hard, whatever `hard` says.
    spend_calls: int | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether some number of calls is refused, by the plan or by the cap."""
        return self.spend_calls is not None or (self.hard and self.limit is not None)

    def limit_in(self, period: Period | None) -> int | None:
        """Calls that the plan and what was granted beside it include in a period."""
        if self.limit is None or period is None:
            return self.limit
        return self.limit + period.extra

    def hard_limit_in(self, period: Period | None) -> int | None:
        """The number of calls after which the next one is refused, by the plan or by the cap."""
        bounds = [self.spend_calls, self.limit_in(period) if self.hard else None]
        return min((bound for bound in bounds if bound is not None), default=None)


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where calls of one API go. Its id in the registry is the slug."""

    api_id: str
    provider_org_id: str
    host: str
    port: int
    scheme: Literal["http", "https"] = "https"
    base_path: str = ""
    state: Literal["active", "suspended", "unhealthy"] = "active"
    # Injected for the upstream, secrets included; they replace the client's headers of the same name.
    upstream_headers: tuple[tuple[str, str], ...] = ()
    # Empty: every method.
    methods: tuple[str, ...] = ()
    # Empty: no CORS policy, a preflight is a call like any other. ("*",): every origin.
    cors_origins: tuple[str, ...] = ()
    # Domains of the provider's own that lead here, in lower case.
    hosts: tuple[str, ...] = ()
    # Without it an entry means what it meant before there was a choice.
    timeout: Literal["short", "standard", "long"] = "long"
    # Lower-case names of headers without which a call is refused.
    required_headers: tuple[str, ...] = ()
    # What all consumers together may send: they guard the upstream.
    limits: tuple[RateLimit, ...] = ()
    # Method and path template of what keys without the scope `admin` may call; None: everything.
    open_endpoints: tuple[tuple[str, str], ...] | None = None


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One key of a subscription. Its id in the registry is the digest of the secret in hex."""

    key_id: str
    sub_id: str
    org_id: str
    workspace_id: str
    state: Literal["pending", "active", "rotating", "suspended", "revoked", "expired"] = "active"
    environment: Literal["live", "test"] = "live"
    expires_at: int | None = None
    scopes: tuple[Scope, ...] = ("read", "write")
    # Method and path template of what it may call; None: everything, empty: nothing.
    endpoints: tuple[tuple[str, str], ...] | None = None
    # CIDR ranges; empty: every address.
    ip_allow: tuple[str, ...] = ()
    limits: tuple[RateLimit, ...] = ()


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who may call one API on which terms."""

    api_id: str
    consumer_org_id: str
    workspace_id: str
    provider_org_id: str
    plan_id: str
    state: str = "active"
    # End of a trial, of a grace, or of a cancelled subscription's last period, in business time.
    valid_until: int | None = None
    limits: tuple[RateLimit, ...] = ()
    quota: Quota | None = None
    clock_offset_ms: int = 0
    sandbox: bool = False


class Tenant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Limits and state of a consumer organization as a whole.

    The entry `*` holds for all that have none, so a limit for everybody is one entry. An entry of its own replaces it.
    """

    state: Literal["active", "suspended"] = "active"
    limits: tuple[RateLimit, ...] = ()


Entry: TypeAlias = Route | Key | Subscription | Tenant

_TYPES: Final[dict[str, type[Entry]]] = {
    ROUTE: Route,
    KEY: Key,
    SUBSCRIPTION: Subscription,
    TENANT: Tenant,
}
_KINDS: Final = {entry_type: kind for kind, entry_type in _TYPES.items()}
_decoders: Final = {kind: msgspec.json.Decoder(entry_type) for kind, entry_type in _TYPES.items()}
_encoder: Final = msgspec.json.Encoder()


class Change(msgspec.Struct, frozen=True):
    """One entry set, or deleted when `entry` is None."""

    kind: str
    id: str
    entry: Entry | None

    @property
    def field(self) -> str:
        """The entry's field in the registry's hash."""
        return f"{self.kind}:{self.id}"


def set_entry(entry_id: str, entry: Entry) -> Change:
    """Return the change that puts an entry into the registry.

    Raises: InvalidEntryError when the data plane could not serve it.
    """
    _check(entry)
    return Change(_KINDS[type(entry)], entry_id, entry)


def delete_entry(kind: str, entry_id: str) -> Change:
    """Return the change that takes an entry out of the registry."""
    return Change(kind, entry_id, None)


def encode_entry(entry: Entry) -> bytes:
    """Write an entry as JSON; equal entries give equal bytes, so reconciliation may compare them."""
    return _encoder.encode(entry)


def decode_entry(kind: str, data: bytes | str) -> Entry:
    """Read an entry of the registry.

    Raises: InvalidEntryError when it has another shape than ours, or the kind is unknown.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        raise InvalidEntryError(f"unknown kind {kind!r}")
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidEntryError(f"{kind}: {error}") from error


def encode_changes(changes: list[Change]) -> bytes:
    """Write changes for the stream and the change feed: `[[field, entry or null], …]`."""
    return _encoder.encode([(change.field, change.entry) for change in changes])


def decode_changes(data: bytes | str) -> list[Change]:
    """Read what `encode_changes` wrote.

    Raises: InvalidEntryError.
    """
    try:
        rows = msgspec.json.decode(data, type=list[tuple[str, msgspec.Raw]])
    except msgspec.MsgspecError as error:
        raise InvalidEntryError(f"changes: {error}") from error
    return [_decode_change(field, bytes(raw)) for field, raw in rows]


def split_field(field: str) -> tuple[str, str]:
    """Split `<kind>:<id>`."""
    kind, _, entry_id = field.partition(":")
    return kind, entry_id


def _decode_change(field: str, raw: bytes) -> Change:
    kind, entry_id = split_field(field)
    return Change(kind, entry_id, None if raw == b"null" else decode_entry(kind, raw))


def _check(entry: Entry) -> None:
    if isinstance(entry, Route):
        if len(entry.upstream_headers) > MAX_UPSTREAM_HEADERS:
            raise InvalidEntryError(f"upstream_headers: at most {MAX_UPSTREAM_HEADERS}")
        if entry.base_path and (not entry.base_path.startswith("/") or entry.base_path[-1] == "/"):
            raise InvalidEntryError("base_path: begins with a slash and does not end with one")
    for limit in entry.limits:
        if limit.max < 0 or limit.window_s < 1:
            raise InvalidEntryError(f"limits: {limit.name!r} needs max >= 0 and window_s >= 1")
    if len({limit.window_s for limit in entry.limits}) != len(entry.limits):
        raise InvalidEntryError("limits: two limits of one subject have the same window")
    if isinstance(entry, Subscription) and entry.quota is not None:
        spend_calls = entry.quota.spend_calls
        if spend_calls is not None and spend_calls < 0:
            raise InvalidEntryError("quota: spend_calls needs to be >= 0")
