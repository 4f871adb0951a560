"""Quotas, spend caps and top-ups over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import SessionAuthentication
from apps.accounts.api.remembered import RememberedAuthentication
from apps.accounts.models import Organization
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.core.ids import format_public_id
from apps.gateway.entry_payloads import wanted_key
from apps.gateway.quotas import (
    LiveQuota,
    find_live_quota,
    key_windows,
    live_quotas,
    live_quotas_by_id,
)
from apps.keys.selectors import get_key
from apps.subscriptions import selectors, services
from apps.subscriptions.enums import LIVE_STATUSES
from apps.subscriptions.exceptions import NoSpendCap
from apps.subscriptions.models import Subscription
from apps.usage.api import quota_serializers as shapes
from apps.usage.caps import cap_standing
from apps.usage.exceptions import NoRunningPeriod

READ = "subscriptions.read"
MANAGE = "subscriptions.manage"
READ_KEYS = "keys.read"
OPERATOR = "staff:operator"


class QuotasView(ApiView):
    """What is left of every subscription."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.LiveQuotaOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the live subscriptions of the organization with their quotas, newest first."""
        rows = selectors.list_subscriptions(self.actor).filter(status__in=LIVE_STATUSES)
        return self.paginated(rows, shapes.LiveQuotaOutput)


class SubscriptionQuotaView(ApiView):
    """What is left of one subscription, for programs that ask often."""

    authentication_classes = [RememberedAuthentication, SessionAuthentication]
    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.LiveQuotaOutput)
    def get(self, _request: Request, subscription_id: str) -> Response:
        """Show used, remaining, reset, spend cap and rate limits as the gateway counts them now.

        Answered from the gateway's store. 409 `no_running_period` before the subscription has begun and after it has
        ended.
        """
        quota = find_live_quota(subscription_id)
        if quota is None:
            row = selectors.get_subscription(self.actor, subscription_id)
            quota = live_quotas([row]).get(row.public_id)
            if quota is None:
                raise NoRunningPeriod
        self._require_own(quota)
        return Response(shapes.quota_body(quota), headers={"Cache-Control": "no-store"})

    def _require_own(self, quota: LiveQuota) -> None:
        if self.actor.sees_every_tenant:
            return
        own = self.actor.organization_id
        if own is None or quota.organization_id != format_public_id(Organization.id_prefix, own):
            raise NotFound


class KeyQuotaView(ApiView):
    """What is left to one key."""

    method_permissions: ClassVar = {"GET": READ_KEYS}

    @extend_schema(responses=shapes.KeyQuotaOutput)
    def get(self, _request: Request, key_id: str) -> Response:
        """Show the key's own limits and the quota of its subscription, which all its keys share."""
        key = get_key(self.actor, key_id)
        sub_id = key.subscription.public_id
        quota = live_quotas_by_id([sub_id]).get(sub_id)
        if quota is None:
            raise NoRunningPeriod
        entry = wanted_key(key).entry
        limits = getattr(entry, "limits", ())
        windows = key_windows(quota.organization_id, key.public_id, limits)
        body = {"key_id": key.public_id, "windows": windows, "quota": quota}
        return Response(shapes.KeyQuotaOutput(body).data)


class SpendCapView(ApiView):
    """The most that a subscription may cost in a period."""

    method_permissions: ClassVar = {"GET": READ, "PUT": MANAGE, "DELETE": MANAGE}

    def load(self, subscription_id: str) -> Subscription:
        """Return the subscription if it is the caller's, else answer 404."""
        return selectors.get_subscription(self.actor, subscription_id)

    @extend_schema(responses=shapes.SpendCapOutput)
    def get(self, _request: Request, subscription_id: str) -> Response:
        """Show the cap and what is spent of it; 409 `no_spend_cap` without one."""
        return self._answer(subscription_id)

    @extend_schema(request=shapes.SpendCapInput, responses=shapes.SpendCapOutput)
    def put(self, _request: Request, subscription_id: str) -> Response:
        """Set it; it counts at once. Calls that passed already are charged all the same."""
        amount = self.validated(shapes.SpendCapInput)["amount"]
        services.set_spend_cap(
            subscription=self.load(subscription_id), amount=amount, actor=self.actor
        )
        return self._answer(subscription_id)

    @extend_schema(request=None, responses={204: None})
    def delete(self, _request: Request, subscription_id: str) -> Response:
        """Take it away; 409 `no_spend_cap` without one."""
        services.remove_spend_cap(subscription=self.load(subscription_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, subscription_id: str) -> Response:
        standing = cap_standing(self.load(subscription_id))
        if standing is None:
            raise NoSpendCap
        return Response(shapes.SpendCapOutput(standing).data)


class TopUpsView(ApiView):
    """Calls that operators granted on top of a quota."""

    method_permissions: ClassVar = {"GET": OPERATOR, "POST": OPERATOR}

    @extend_schema(responses=shapes.TopUpOutput(many=True))
    def get(self, _request: Request, subscription_id: str) -> Response:
        """List them, newest first, earlier periods included."""
        row = selectors.get_subscription(self.actor, subscription_id)
        return self.paginated(row.quota_top_ups.all(), shapes.TopUpOutput)

    @extend_schema(request=shapes.TopUpInput, responses={201: shapes.TopUpOutput})
    def post(self, request: Request, subscription_id: str) -> Response:
        """Grant calls for the period that runs now; they count at once."""
        row = selectors.get_subscription(self.actor, subscription_id)
        values = self.validated(shapes.TopUpInput)

        def grant() -> Any:
            made = services.top_up_quota(subscription=row, actor=self.actor, **values)
            return shapes.TopUpOutput(made).data

        return self.created(request, grant)
