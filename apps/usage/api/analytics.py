"""Analytics over REST: what a period adds up to, and by what, for each side."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput
from apps.usage import selectors
from apps.usage.api.analytics_serializers import AnalyticsOutput, GroupPageOutput
from apps.usage.chosen_period import KEYS, ChosenPeriod, choose_period
from apps.usage.enums import AnalyticsSide
from apps.usage.rollups.reading import Scope
from apps.usage.selectors.analytics import DEFAULT_LIMIT, MAX_LIMIT

PERIOD = (
    OpenApiParameter("period", str, enum=KEYS, description="7d, unless told otherwise."),
    OpenApiParameter("from", str, description="First local day of `custom`, YYYY-MM-DD."),
    OpenApiParameter("to", str, description="Last local day of `custom`, included."),
)
FILTERS = {
    "api_id": "Only this API.",
    "subscription_id": "Only this subscription.",
    "key_id": "Only this key.",
    "plan_id": "Only this plan.",
    "consumer_id": "Only this subscriber.",
    "provider_id": "Only this provider.",
    "endpoint": "Only this method and path template, or `other`: paths that no document describes.",
    "status": "Only this status, or class: `404`, `4xx`; `0` are unconfirmed calls.",
    "country": "Only subscribers of this country, by its two letters.",
}
STAFF = "staff:operator,finance"


def _parameters(side: AnalyticsSide) -> list[OpenApiParameter]:
    names = selectors.FILTERS[side]
    return [*PERIOD, *(OpenApiParameter(name, str, description=FILTERS[name]) for name in names)]


def _group_parameters(side: AnalyticsSide) -> list[OpenApiParameter]:
    return [
        OpenApiParameter("group_by", str, enum=selectors.GROUPS[side], required=True),
        OpenApiParameter("limit", int, description=f"{DEFAULT_LIMIT} a page, at most {MAX_LIMIT}."),
        OpenApiParameter("offset", int, description="How many groups to leave out."),
        *_parameters(side),
    ]


class _AnalyticsView(ApiView):
    """Base of the six: whose calls, in which period, and which of them."""

    side: ClassVar[AnalyticsSide]

    def chosen(self) -> ChosenPeriod:
        """Return the period of the query."""
        query = self.request.query_params
        whose = (
            selectors.OperatorTime()
            if self.side == AnalyticsSide.OPERATOR
            else get_current_organization(self.actor)
        )
        return choose_period(
            whose,
            key=query.get("period", ""),
            first=query.get("from", ""),
            last=query.get("to", ""),
        )

    def scope(self) -> Scope:
        """Return the calls that the query means."""
        filters = selectors.choose_filters(self.actor, self.side, self.request.query_params)
        return selectors.narrow(self._whole(), selectors.columns_of(filters))

    def _whole(self) -> Scope:
        if self.side == AnalyticsSide.OPERATOR:
            return selectors.operator_scope()
        organization = get_current_organization(self.actor)
        if self.side == AnalyticsSide.PROVIDER:
            return selectors.provider_scope(organization)
        return selectors.consumer_scope(organization)

    def summary(self) -> Response:
        """Answer totals, those of the period before, and the series."""
        found = selectors.analyse(self.scope(), self.chosen())
        return Response(AnalyticsOutput(found).data)

    def groups(self) -> Response:
        """Answer a page of groups."""
        by = self._group_by()
        limit = self._number("limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT)
        offset = self._number("offset", 0, least=0, most=1_000_000)
        page = selectors.group_page(self.scope(), self.chosen(), by=by, limit=limit, offset=offset)
        body = {
            "data": page.rows,
            "other": page.other,
            "next": self._link(offset + limit) if offset + limit < page.total else None,
            "previous": self._link(max(0, offset - limit)) if offset else None,
        }
        return Response(GroupPageOutput(body).data)

    def _group_by(self) -> str:
        by, possible = self.request.query_params.get("group_by", ""), selectors.GROUPS[self.side]
        if by not in possible:
            raise InvalidInput(
                _("Choose one of %(keys)s.") % {"keys": ", ".join(possible)}, field="group_by"
            )
        return by

    def _number(self, name: str, default: int, *, least: int, most: int) -> int:
        text = self.request.query_params.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise InvalidInput(
                _("Write a whole number from %(least)s to %(most)s.")
                % {"least": least, "most": most},
                field=name,
            )
        return int(text)

    def _link(self, offset: int) -> str:
        query: dict[str, Any] = {**self.request.query_params.dict(), "offset": offset}
        return self.request.build_absolute_uri(f"{self.request.path}?{urlencode(query)}")


class UsageAnalyticsView(_AnalyticsView):
    """The organization's own calls."""

    side = AnalyticsSide.CONSUMER
    method_permissions: ClassVar = {"GET": "usage.read"}

    @extend_schema(parameters=_parameters(side), responses=AnalyticsOutput)
    def get(self, _request: Request) -> Response:
        """Return calls, failures, latency and bytes: in sum, before, and by hour (24h) or local day."""
        return self.summary()


class UsageAnalyticsGroupsView(_AnalyticsView):
    """The organization's own calls, grouped."""

    side = AnalyticsSide.CONSUMER
    method_permissions: ClassVar = {"GET": "usage.read"}

    @extend_schema(parameters=_group_parameters(side), responses=GroupPageOutput)
    def get(self, _request: Request) -> Response:
        """Return them by API, subscription, key, endpoint, status or day, the most called first."""
        return self.groups()


class ProviderAnalyticsView(_AnalyticsView):
    """The calls that the organization's APIs answered."""

    side = AnalyticsSide.PROVIDER
    method_permissions: ClassVar = {"GET": "apis.read"}

    @extend_schema(parameters=_parameters(side), responses=AnalyticsOutput)
    def get(self, _request: Request) -> Response:
        """Return calls, failures, latency and bytes: in sum, before, and by hour (24h) or local day."""
        return self.summary()


class ProviderAnalyticsGroupsView(_AnalyticsView):
    """The calls that the organization's APIs answered, grouped."""

    side = AnalyticsSide.PROVIDER
    method_permissions: ClassVar = {"GET": "apis.read"}

    @extend_schema(parameters=_group_parameters(side), responses=GroupPageOutput)
    def get(self, _request: Request) -> Response:
        """Return them by API, plan, subscriber, endpoint, country, status or day, the most called first."""
        return self.groups()


class OperatorAnalyticsView(_AnalyticsView):
    """All calls but those of sandboxes."""

    side = AnalyticsSide.OPERATOR
    method_permissions: ClassVar = {"GET": STAFF}

    @extend_schema(parameters=_parameters(side), responses=AnalyticsOutput)
    def get(self, _request: Request) -> Response:
        """Return calls, failures, latency and bytes: in sum, before, and by hour (24h) or day of UTC."""
        return self.summary()


class OperatorAnalyticsGroupsView(_AnalyticsView):
    """All calls but those of sandboxes, grouped."""

    side = AnalyticsSide.OPERATOR
    method_permissions: ClassVar = {"GET": STAFF}

    @extend_schema(parameters=_group_parameters(side), responses=GroupPageOutput)
    def get(self, _request: Request) -> Response:
        """Return them by API, provider, subscriber, status or day, the most called first."""
        return self.groups()
