"""The values that analytics group by, with the names that people know them by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from babel import Locale
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.formatting import format_day, format_time, reader_locale
from apps.core.ids import format_public_id
from apps.keys.models import ApiKey
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Value:
    """A value: `id` as REST names it, `label` as people do, and the filters that lead to its calls."""

    id: str
    label: str
    note: str = ""
    only: dict[str, str] = field(default_factory=dict)


def label_values(by: str, keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    """Return the values in the order of their keys. One query for kinds that are rows, none for the others."""
    return _LABELS[by](keys)


def _apis(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    names = dict(Api.objects.filter(pk__in=_ids(keys)).values_list("pk", "name"))
    return [_row("api", "api_id", key, names) for (key,) in keys]


def _plans(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    rows = Plan.objects.filter(pk__in=_ids(keys)).values_list("pk", "name", "api__name")
    names = {pk: name for pk, name, _api in rows}
    notes = {pk: api for pk, _name, api in rows}
    return [_row("pln", "plan_id", key, names, note=notes.get(key, "")) for (key,) in keys]


def _subscriptions(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    rows = Subscription.objects.filter(pk__in=_ids(keys)).values_list(
        "pk", "api__name", "plan__name"
    )
    names = {pk: api for pk, api, _plan in rows}
    notes = {pk: plan for pk, _api, plan in rows}
    return [_row("sub", "subscription_id", key, names, note=notes.get(key, "")) for (key,) in keys]


def _keys(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    rows = ApiKey.objects.filter(pk__in=_ids(keys)).values_list("pk", "name", "prefix")
    names = {pk: name for pk, name, _prefix in rows}
    notes = {pk: prefix for pk, _name, prefix in rows}
    return [
        Value("", _("Without a key"))
        if key is None
        else _row("key", "key_id", key, names, note=notes.get(key, ""))
        for (key,) in keys
    ]


def _organizations(parameter: str) -> Callable[[Sequence[tuple[Any, ...]]], list[Value]]:
    def label(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
        names = dict(Organization.objects.filter(pk__in=_ids(keys)).values_list("pk", "name"))
        return [_row("org", parameter, key, names) for (key,) in keys]

    return label


def _endpoints(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    names = dict(Api.objects.filter(pk__in={key[0] for key in keys}).values_list("pk", "name"))
    return [
        Value(
            endpoint,
            endpoint or _("Other paths"),
            names.get(api_id, ""),
            {"api_id": format_public_id("api", api_id), "endpoint": endpoint or OTHER},
        )
        for api_id, endpoint in keys
    ]


def _statuses(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    return [Value(str(key), _phrase(key), only={"status": str(key)}) for (key,) in keys]


def _countries(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    territories = Locale.parse(reader_locale()).territories
    return [
        Value(key, territories.get(key, key), only={"country": key})
        if key
        else Value("", _("Not known"))
        for (key,) in keys
    ]


def _days(keys: Sequence[tuple[Any, ...]]) -> list[Value]:
    return [Value(step.isoformat(), _moment(step)) for (step,) in keys]


def _moment(step: date | datetime) -> str:
    return format_time(step) if isinstance(step, datetime) else format_day(step)


def _phrase(status: int) -> str:
    if status == 0:
        return _("Unconfirmed")
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _row(
    prefix: str, parameter: str, key: UUID, names: dict[UUID, str], *, note: str = ""
) -> Value:
    public_id = format_public_id(prefix, key)
    return Value(public_id, names.get(key, public_id), note, {parameter: public_id})


def _ids(keys: Sequence[tuple[Any, ...]]) -> list[UUID]:
    return [key for (key,) in keys if key is not None]


# How a filter names the paths that no document describes; no endpoint begins with a letter in lower case.
OTHER: Final = "other"
_LABELS: Final[dict[str, Callable[[Sequence[tuple[Any, ...]]], list[Value]]]] = {
    "api": _apis,
    "subscription": _subscriptions,
    "plan": _plans,
    "key": _keys,
    "endpoint": _endpoints,
    "status": _statuses,
    "consumer": _organizations("consumer_id"),
    "provider": _organizations("provider_id"),
    "country": _countries,
    "day": _days,
}
