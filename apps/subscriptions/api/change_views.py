"""Changes of plan over REST: previewed, made, taken back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.actors import Actor
from apps.pricing.models import Plan
from apps.pricing.selectors import get_once_choosable_plan
from apps.subscriptions import services
from apps.subscriptions.api import change_serializers as shapes
from apps.subscriptions.api import serializers as base_shapes
from apps.subscriptions.api.views import MANAGE, READ, SubscriberViewBase, SubscriptionViewBase
from apps.subscriptions.cancellation_quotes import quote_cancellation
from apps.subscriptions.enums import ChangeTiming
from apps.subscriptions.models import Subscription


class ChangePreviewView(SubscriptionViewBase):
    """Says what a change of plan would do and cost."""

    method_permissions = {"POST": READ}

    @extend_schema(request=shapes.PlanChangeInput, responses=shapes.ChangeQuoteOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Work it out; nothing changes. `POST …/change` with the `token` charges exactly this."""
        subscription = self.load(subscription_id)
        values = self.validated(shapes.PlanChangeInput)
        quote = services.preview_change(
            subscription=subscription,
            wish=wish_of(self.actor, subscription, values),
            actor=self.actor,
        )
        return Response(shapes.ChangeQuoteOutput(quote).data)


class PlanChangeView(SubscriptionViewBase):
    """Changes the plan or the quantity."""

    method_permissions = {"POST": MANAGE, "DELETE": MANAGE}

    @extend_schema(
        request=shapes.ApplyPlanChangeInput, responses=base_shapes.SubscriptionDetailOutput
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        """Change it at once, or plan the change for the end of the period: then `scheduled_change` shows it."""
        subscription = self.load(subscription_id)
        values = self.validated(shapes.ApplyPlanChangeInput)
        wish = wish_of(self.actor, subscription, values)

        def work() -> tuple[int, Any]:
            services.change_plan(subscription=subscription, wish=wish, actor=self.actor)
            return status.HTTP_200_OK, self.answer(subscription_id).data

        return self.once(request, work)

    @extend_schema(responses=base_shapes.SubscriptionDetailOutput)
    def delete(self, _request: Request, subscription_id: str) -> Response:
        """Take a planned change back; 409 when none waits."""
        services.withdraw_planned_change(subscription=self.load(subscription_id), actor=self.actor)
        return self.answer(subscription_id)


class CancelQuoteView(SubscriptionViewBase):
    """Says what cancelling at once gives back."""

    method_permissions = {"POST": READ}

    @extend_schema(request=None, responses=shapes.CancellationQuoteOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Work it out by the plan's policy; nothing changes."""
        subscription = self.load(subscription_id)
        now = clock.business_now(subscription.consumer_organization)
        return Response(
            shapes.CancellationQuoteOutput(quote_cancellation(subscription, at=now)).data
        )


class SubscriberChangesView(SubscriberViewBase):
    """What happened to a subscription, for the API's provider."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=base_shapes.SubscriberChangeOutput(many=True))
    def get(self, _request: Request, subscription_id: str) -> Response:
        """List its changes, newest first, with their amounts; who did it is not named."""
        rows = self.load(subscription_id).changes.all()
        return self.paginated(rows, base_shapes.SubscriberChangeOutput)


def wish_of(
    actor: Actor, subscription: Subscription, values: dict[str, Any]
) -> services.ChangeWish:
    """Read a wish as the input serializers validate it.

    Raises:
        NotFound: no such plan, or none that the actor may choose.
    """
    timing = values.get("timing")
    return services.ChangeWish(
        plan=_plan(actor, subscription, values["plan"]) if values.get("plan") else None,
        quantity=values.get("quantity"),
        timing=ChangeTiming(timing) if timing else None,
        token=values.get("token", ""),
        expected_net_minor=values.get("expected_net_minor"),
    )


def _plan(actor: Actor, subscription: Subscription, public_id: str) -> Plan:
    """Return the plan; the one that the subscription has may be hidden from new subscribers by now."""
    own = subscription.plan
    return own if own.public_id == public_id else get_once_choosable_plan(actor, public_id)
