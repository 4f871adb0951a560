"""Which key and subscription an event means that names only one of them.

An event may name a key by its public id, or by the key itself. A key is looked up by its digest and is never stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q

from apps.core.ids import InvalidPublicIdError, format_public_id, parse_public_id
from apps.keys.hashing import possible_digests
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription

_SUBSCRIPTION_MARK: Final = f"{Subscription.id_prefix}_"


@dataclass(frozen=True, slots=True)
class NamedKey:
    """The public ids that an event carries on. A subscription may be named without a key."""

    subscription_id: str
    key_id: str | None


def find_named(names: Iterable[str]) -> dict[str, NamedKey]:
    """Return what each name means: a key, a key's public id, or a subscription's; unknown keys are left out.

    A subscription's id is taken as it is: processing finds whether it exists. One query, or none.
    """
    found: dict[str, NamedKey] = {}
    digests: dict[str, str] = {}
    ids: dict[UUID, str] = {}
    for name in set(names):
        if name.startswith(_SUBSCRIPTION_MARK):
            found[name] = NamedKey(name, None)
            continue
        digests |= dict.fromkeys(possible_digests(name), name)
        try:
            ids[parse_public_id(ApiKey.id_prefix, name)] = name
        except InvalidPublicIdError:
            continue
    if not digests and not ids:
        return found
    rows = ApiKey.objects.filter(Q(pk__in=ids) | Q(digest__in=digests))
    for pk, digest, subscription in rows.values_list("id", "digest", "subscription_id"):
        named = NamedKey(
            format_public_id(Subscription.id_prefix, subscription),
            format_public_id(ApiKey.id_prefix, pk),
        )
        # An event may name the same key both ways.
        found |= {name: named for name in (ids.get(pk), digests.get(digest)) if name}
    return found
