"""What of their calls people look at: filters of a link, checked against what they may see."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.enums import SERVED_VERSIONS
from apps.apis.models import Api, Endpoint
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.keys.models import ApiKey
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.usage.endpoint_table import path_expression
from apps.usage.enums import AnalyticsSide
from apps.usage.selectors.analytics_labels import OTHER

_STATUS: Final = re.compile(r"([0-5])(xx|[0-9]{2})?")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
MAX_ENDPOINT: Final = 320
FILTERS: Final[dict[AnalyticsSide, tuple[str, ...]]] = {
    AnalyticsSide.CONSUMER: ("api_id", "subscription_id", "key_id", "endpoint", "status"),
    AnalyticsSide.PROVIDER: ("api_id", "plan_id", "consumer_id", "endpoint", "status", "country"),
    AnalyticsSide.OPERATOR: ("api_id", "provider_id", "consumer_id", "status"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter that holds: its name and text in a link, what people call it, and the columns it fixes."""

    name: str
    text: str
    label: str
    only: dict[str, Any]


def choose_filters(actor: Actor, side: AnalyticsSide, query: Mapping[str, str]) -> list[Chosen]:
    """Return the filters of a query that this side has; the others are not looked at. At most a query for each.

    Raises:
        InvalidInput: a status, country or endpoint that cannot be.
        NotFound: an id that is unknown, or of something that the actor has nothing to do with.
    """
    readers = _Readers(actor, side)
    return [
        readers.read(name, query[name].strip())
        for name in FILTERS[side]
        if query.get(name, "").strip()
    ]


def columns_of(filters: list[Chosen]) -> dict[str, Any]:
    """Return what filters fix together."""
    return {column: value for item in filters for column, value in item.only.items()}


def narrow_calls(calls: QuerySet[Any], filters: list[Chosen]) -> QuerySet[Any]:
    """Keep the single calls that filters mean."""
    api_id = columns_of(filters).get("api_id")
    for item in filters:
        if item.name == "endpoint":
            calls = _with_endpoint(calls, item.text, api_id)
        elif item.name == "status":
            low, high = _statuses(item.text)
            calls = calls.filter(status__gte=low, status__lt=high)
        elif item.name == "plan_id":
            own = Subscription.objects.filter(**item.only).values("pk")
            calls = calls.filter(subscription_id__in=own)
        elif item.name == "country":
            known = Organization.objects.filter(**item.only).values("pk")
            calls = calls.filter(consumer_organization_id__in=known)
        else:
            calls = calls.filter(**item.only)
    return calls


class _Readers:
    """Reads each filter, as far as the actor may see what it names."""

    def __init__(self, actor: Actor, side: AnalyticsSide) -> None:
        self._side = side
        self._own = {"organization_id": actor.organization_id}
        own = Subscription.objects.all()
        if side == AnalyticsSide.CONSUMER:
            own = own.filter(consumer_organization_id=actor.organization_id)
        elif side == AnalyticsSide.PROVIDER:
            own = own.filter(provider_organization_id=actor.organization_id)
        self._subscriptions = own

    def read(self, name: str, text: str) -> Chosen:
        reader: Callable[[str], tuple[str, dict[str, Any]]] = getattr(self, f"_{name}")
        label, only = reader(text)
        return Chosen(name, text, label, only)

    def _api_id(self, text: str) -> tuple[str, dict[str, Any]]:
        key = _key("api", text)
        own = Api.objects.filter(pk=key)
        if self._side == AnalyticsSide.PROVIDER:
            own = own.filter(**self._own)
        elif self._side == AnalyticsSide.CONSUMER:
            own = own.filter(pk__in=self._subscriptions.values("api_id"))
        return _only_name(own, "name"), {"api_id": key}

    def _subscription_id(self, text: str) -> tuple[str, dict[str, Any]]:
        key = _key("sub", text)
        rows = self._subscriptions.filter(pk=key).select_related("api", "plan")
        row = rows.first()
        if row is None:
            raise NotFound
        return str(row), {"subscription_id": key}

    def _key_id(self, text: str) -> tuple[str, dict[str, Any]]:
        key = _key("key", text)
        own = ApiKey.objects.filter(pk=key, **self._own)
        return _only_name(own, "name"), {"key_id": key}

    def _plan_id(self, text: str) -> tuple[str, dict[str, Any]]:
        key = _key("pln", text)
        own = Plan.objects.filter(pk=key, **self._own)
        return _only_name(own, "name"), {"plan_id": key}

    def _consumer_id(self, text: str) -> tuple[str, dict[str, Any]]:
        return self._party(text, "consumer_organization_id")

    def _provider_id(self, text: str) -> tuple[str, dict[str, Any]]:
        return self._party(text, "provider_organization_id")

    def _party(self, text: str, column: str) -> tuple[str, dict[str, Any]]:
        key = _key("org", text)
        known = self._subscriptions.filter(**{column: key}).values(column)
        return _only_name(Organization.objects.filter(pk__in=known), "name"), {column: key}

    def _endpoint(self, text: str) -> tuple[str, dict[str, Any]]:
        if text == OTHER:
            return _("Other paths"), {"endpoint": ""}
        if len(text) > MAX_ENDPOINT or " /" not in text:
            raise InvalidInput(
                _("Write a method and a path, such as GET /v1/cities."), field="endpoint"
            )
        return text, {"endpoint": text}

    def _status(self, text: str) -> tuple[str, dict[str, Any]]:
        low, high = _statuses(text)
        if high - low == 1:
            return (_("Unconfirmed") if low == 0 else str(low)), {"status": low}
        return f"{low // 100}xx", {"status_class": low // 100}

    def _country(self, text: str) -> tuple[str, dict[str, Any]]:
        if not _COUNTRY.fullmatch(text):
            raise InvalidInput(
                _("Write a country by its two letters, such as ZW."), field="country"
            )
        return text, {"country": text}


def _key(prefix: str, text: str) -> UUID:
    try:
        return parse_public_id(prefix, text)
    except InvalidPublicIdError:
        raise NotFound from None


def _only_name(rows: QuerySet[Any], name: str) -> str:
    found: str | None = rows.values_list(name, flat=True).first()
    if found is None:
        raise NotFound
    return found


def _statuses(text: str) -> tuple[int, int]:
    """Return the range of `404`, `4xx`, `4` (the same), or `0` (unconfirmed)."""
    found = _STATUS.fullmatch(text)
    if found is None:
        raise InvalidInput(_("Write a status such as 404, or a class such as 4xx."), field="status")
    if text == "0":
        return 0, 1
    if found[2] in (None, "xx"):
        return int(found[1]) * 100, int(found[1]) * 100 + 100
    return int(text), int(text) + 1


def _with_endpoint(calls: QuerySet[Any], endpoint: str, api_id: UUID | None) -> QuerySet[Any]:
    """Keep the calls whose path a template describes, or with `other` those that no document of the API describes."""
    if endpoint != OTHER:
        method, _space, template = endpoint.partition(" ")
        return calls.filter(method=method, path__regex=path_expression(template))
    if api_id is None:
        return calls
    described = Endpoint.objects.filter(
        version__api_id=api_id, version__status__in=SERVED_VERSIONS
    ).values_list("method", "path")
    for method, template in described:
        methods = ("GET", "HEAD") if method == "GET" else (method,)
        calls = calls.exclude(method__in=methods, path__regex=path_expression(template))
    return calls
