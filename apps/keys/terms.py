"""What a key may be held to, and whether that is possible.

Source: docs/domain/keys.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final, TypedDict

from django.utils.translation import gettext as _

from apps.apis.models import Api
from apps.apis.selectors import list_callable_endpoints
from apps.core import clock
from apps.keys.constants import (
    MAX_ALLOWED_ADDRESSES,
    MAX_ENDPOINTS,
    MAX_LIFETIME,
    MAX_RATE,
    MAX_TAGS,
)
from apps.keys.enums import KeyStatus, Scope
from apps.keys.exceptions import InvalidKeyTerms
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription

# A key's own windows and their lengths in seconds. The plan's windows have the same names.
WINDOWS: Final = {
    "rate_per_second": 1,
    "rate_per_minute": 60,
    "rate_per_hour": 3_600,
    "rate_per_day": 86_400,
}
LISTS: Final = ("scopes", "endpoints", "tags", "ip_allow")


class TermChanges(TypedDict, total=False):
    """What of a key's terms changes; what is left out stays. Times are the account's business time."""

    scopes: tuple[str, ...]
    # "GET /path/{template}"; with `tags`, what the key may call. Both empty: everything.
    endpoints: tuple[str, ...]
    tags: tuple[str, ...]
    ip_allow: tuple[str, ...]
    rate_per_second: int | None
    rate_per_minute: int | None
    rate_per_hour: int | None
    rate_per_day: int | None
    expires_at: datetime | None


TERMS: Final = tuple(TermChanges.__annotations__)


@dataclass(frozen=True, slots=True)
class Described:
    """What callers may use of an API, by its documents: endpoints as they are stored with a key, and groups."""

    endpoints: tuple[str, ...]
    tags: tuple[str, ...]


def described_by(api: Api) -> Described:
    """Return what a key for an API can be held to, in the documents' order."""
    rows = list(list_callable_endpoints(api).values_list("method", "path", "tag"))
    return Described(
        tuple(dict.fromkeys(f"{method} {path}" for method, path, _tag in rows)),
        tuple(dict.fromkeys(tag for _method, _path, tag in rows if tag)),
    )


def terms_of(key: ApiKey) -> dict[str, Any]:
    """Return a key's terms as services take them."""
    terms = {name: getattr(key, name) for name in TERMS}
    return terms | {name: tuple(terms[name]) for name in LISTS}


def require_possible(
    wanted: TermChanges, *, subscription: Subscription, key: ApiKey | None = None
) -> None:
    """Check the terms that are new; what a key has already may stay, whatever became of plan and documents.

    Raises:
        InvalidKeyTerms: with the field that cannot be as it was asked for.
    """
    if "scopes" in wanted and (not wanted["scopes"] or not set(wanted["scopes"]) <= set(Scope)):
        raise InvalidKeyTerms(_("Choose at least one scope."), field="scopes")
    _require_addresses(wanted.get("ip_allow", ()))
    if wanted.get("expires_at") is not None or (key and "expires_at" in wanted):
        _require_expiry(wanted.get("expires_at"), subscription=subscription, key=key)
    for name in WINDOWS:
        _require_rate(name, wanted.get(name), subscription)
    _require_described(wanted, subscription=subscription, key=key)


def latest_expiry(subscription: Subscription) -> datetime | None:
    """Return until when a key made now may live by its plan; None when the plan does not say."""
    days = subscription.plan.key_max_days
    if days is None:
        return None
    return clock.business_now(subscription.consumer_organization) + timedelta(days=days)


def plan_rate(name: str, subscription: Subscription) -> int | None:
    """Return the subscription's own limit in one of the windows, if it has one."""
    limit: int | None = getattr(subscription.price_version, name, None)
    return limit


def _require_addresses(ranges: Collection[str]) -> None:
    if len(ranges) > MAX_ALLOWED_ADDRESSES:
        raise InvalidKeyTerms(_("These are too many address ranges."), field="ip_allow")
    for cidr in ranges:
        try:
            ip_network(cidr)
        except ValueError:
            detail = _("“%(text)s” is no address and no range.") % {"text": cidr}
            raise InvalidKeyTerms(detail, field="ip_allow") from None


def _require_expiry(
    wanted: datetime | None, *, subscription: Subscription, key: ApiKey | None
) -> None:
    if key is not None and key.status == KeyStatus.ROTATING:
        detail = _("This key ends when its time beside its successor is over.")
        raise InvalidKeyTerms(detail, field="expires_at")
    latest = latest_expiry(subscription)
    if latest is not None and (wanted is None or wanted > latest):
        detail = _("The plan lets a key live for %(days)s days at most.")
        detail %= {"days": subscription.plan.key_max_days}
        raise InvalidKeyTerms(detail, field="expires_at")
    now = clock.business_now(subscription.consumer_organization)
    if wanted is not None and not now < wanted <= now + MAX_LIFETIME:
        raise InvalidKeyTerms(_("Choose an expiry in the future."), field="expires_at")


def _require_rate(name: str, wanted: object, subscription: Subscription) -> None:
    if wanted is None:
        return
    if not isinstance(wanted, int) or not 1 <= wanted <= MAX_RATE:
        raise InvalidKeyTerms(_("Leave it empty or choose at least 1."), field=name)
    limit = plan_rate(name, subscription)
    if limit is not None and wanted > limit:
        detail = _("The plan allows %(limit)s.") % {"limit": limit}
        raise InvalidKeyTerms(detail, field=name, limit=limit)


def _require_described(
    wanted: TermChanges, *, subscription: Subscription, key: ApiKey | None
) -> None:
    for name, most in (("endpoints", MAX_ENDPOINTS), ("tags", MAX_TAGS)):
        texts: Iterable[str] = wanted.get(name, ())  # type: ignore[assignment]  # both are tuples of text
        new = set(texts) - set(getattr(key, name) if key else ())
        if not new:
            continue
        if len(set(texts)) > most:
            detail = _("At most %(most)s can be chosen.") % {"most": most}
            raise InvalidKeyTerms(detail, field=name)
        unknown = sorted(new - set(getattr(described_by(subscription.api), name)))
        if unknown:
            detail = _("The API does not describe “%(text)s”.") % {"text": unknown[0][:320]}
            raise InvalidKeyTerms(detail, field=name)
