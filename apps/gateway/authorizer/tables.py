"""The registry in memory: plain dictionaries, replaced entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from apps.gateway.authorizer.grants import Grant
from apps.gateway.authorizer.tenants import uncounted_calls
from apps.gateway.digest import Digest
from apps.gateway.entries import (
    EVERY_TENANT,
    KEY,
    ROUTE,
    SUBSCRIPTION,
    TENANT,
    Key,
    Route,
    Subscription,
    Tenant,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.gateway.entries import Change, Entry

# No slug holds it.
DOMAIN_MARK: Final = "@"


# A report tells of so many keys at most; the others are noted again at their next call.
MAX_OUTDATED: Final = 500


class Tables:
    """Entries by kind and id, and the grants compiled from them on first use."""

    def __init__(self) -> None:
        """Begin empty."""
        self.routes: dict[str, Route] = {}
        # The same routes by the providers' own domains, as the proxy names them: `@api.example.com`.
        self.hosts: dict[str, Route] = {}
        self.keys: dict[str, Key] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.tenants: dict[str, Tenant] = {}
        self.default_tenant: Tenant | None = None
        self._watched: frozenset[str] = frozenset()
        self._is_watching = False
        # Another one whenever a grant may have to be compiled again.
        self._stamp = object()
        self._grants: dict[str, Grant] = {}
        # Key id -> digest under the newest pepper, of keys that were found by an older one since the last report.
        self.outdated: dict[str, str] = {}
        self._digest = Digest()
        tables = (self.routes, self.keys, self.subscriptions, self.tenants)
        kinds = (ROUTE, KEY, SUBSCRIPTION, TENANT)
        # Each table holds the one type of its kind; `decode_entry` sees to it.
        self._by_kind = cast("dict[str, dict[str, Entry]]", dict(zip(kinds, tables, strict=True)))

    @property
    def watched(self) -> frozenset[str]:
        """Tenants near the limit of everybody; only theirs is counted in the store, if that can be told in time."""
        return self._watched

    @watched.setter
    def watched(self, org_ids: frozenset[str]) -> None:
        if org_ids != self._watched:
            self._watched = org_ids
            self._stamp = object()

    def apply(self, changes: Iterable[Change]) -> None:
        """Set and delete entries, in order."""
        self._stamp = object()
        for change in changes:
            table = self._by_kind[change.kind]
            if change.kind == ROUTE:
                self._follow_hosts(self.routes.get(change.id), cast("Route | None", change.entry))
            self._digest.replace(change.field, table.get(change.id), change.entry)
            if change.entry is None:
                table.pop(change.id, None)
                self._grants.pop(change.id, None)
            else:
                table[change.id] = change.entry
        self.default_tenant = self.tenants.get(EVERY_TENANT)
        self._is_watching = uncounted_calls(self.default_tenant) > 0

    def find_route(self, slug: str) -> Route | None:
        """Return the route of a slug, or of a domain (`@api.example.com`, in any case); None for an unknown one."""
        route = self.routes.get(slug)
        if route is None and slug.startswith(DOMAIN_MARK):
            return self.hosts.get(slug.lower().removesuffix("."))
        return route

    def _follow_hosts(self, before: Route | None, after: Route | None) -> None:
        """Let domains lead to the route that names them now."""
        for host in before.hosts if before else ():
            if self.hosts.get(DOMAIN_MARK + host) is before:
                del self.hosts[DOMAIN_MARK + host]
        for host in after.hosts if after else ():
            self.hosts[DOMAIN_MARK + host] = cast("Route", after)

    @property
    def digest(self) -> str:
        """Return one number for all entries, for reconciliation to compare."""
        return self._digest.text

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of entries by kind, leaving out kinds without any."""
        return {kind: len(table) for kind, table in self._by_kind.items() if table}

    def find_grant(self, digests: Iterable[str]) -> Grant | None:
        """Return what the key of one of these digests stands for; None for an unknown key.

        A grant holds the entries that it was compiled from; when one of them was replaced since, it is
        compiled again. So a change of a subscription costs one dictionary write, however many keys it has.
        """
        newest = ""
        for digest in digests:
            known = self._grants.get(digest)
            if known is not None and known.stamp is self._stamp and not newest:
                return known
            key = self.keys.get(digest)
            if key is None:
                newest = newest or digest
                continue
            if newest and len(self.outdated) < MAX_OUTDATED:
                self.outdated[key.key_id] = newest
            subscription = self.subscriptions.get(key.sub_id)
            if subscription is None:
                return None
            org_id = subscription.consumer_org_id
            tenant = self.tenants.get(org_id)
            if tenant is None and (org_id in self._watched or not self._is_watching):
                tenant = self.default_tenant
            grant = self._grants.get(digest)
            if grant is None or not grant.is_compiled_from(key, subscription, tenant):
                grant = self._grants[digest] = Grant(key, subscription, tenant)
            grant.stamp = self._stamp
            return grant
        return None

    def __len__(self) -> int:
        """Return the number of entries."""
        return sum(len(table) for table in self._by_kind.values())
