"""Subscriptions over REST: the consumer's side and the provider's."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Workspace
from apps.core.api.views import ApiView
from apps.core.rate_limits import take_turn
from apps.pricing.code_tries import CODE_TRIES
from apps.pricing.selectors import get_once_choosable_plan
from apps.subscriptions import selectors, services
from apps.subscriptions.api import serializers as shapes
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import own_workspace

READ = "subscriptions.read"
MANAGE = "subscriptions.manage"
PROVIDE = "plans.manage"


class SubscriptionsView(ApiView):
    """The subscriptions of the caller's organization."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.SubscriptionOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_subscriptions(self.actor), shapes.SubscriptionOutput)

    @extend_schema(request=shapes.SubscribeInput, responses={201: shapes.SubscriptionDetailOutput})
    def post(self, request: Request) -> Response:
        """Subscribe; 409 `already_subscribed` names the subscription that the workspace has."""
        values = self.validated(shapes.SubscribeInput)
        plan = get_once_choosable_plan(self.actor, values["plan"])
        workspace = self._workspace(values.get("workspace"))
        code = values["promotion_code"]
        if code:
            take_turn(CODE_TRIES, request=request, actor=self.actor)
        return self.created(
            request,
            lambda: (
                shapes.SubscriptionDetailOutput(
                    services.subscribe(
                        plan=plan,
                        workspace=workspace,
                        actor=self.actor,
                        currency=values.get("currency"),
                        promotion_code=code,
                    )
                ).data
            ),
        )

    def _workspace(self, public_id: str | None) -> Workspace:
        if public_id:
            return Workspace.objects.get_visible(self.actor, public_id)
        return own_workspace(self.actor)


class SubscriptionViewBase(ApiView):
    """Base of the views of one subscription, as its consumer."""

    def load(self, subscription_id: str) -> Subscription:
        """Return the subscription if it is the caller's, else answer 404."""
        return selectors.get_subscription(self.actor, subscription_id)

    def answer(self, subscription_id: str) -> Response:
        """Answer the subscription as it is now."""
        return Response(shapes.SubscriptionDetailOutput(self.load(subscription_id)).data)


class SubscriptionView(SubscriptionViewBase):
    """One subscription."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.SubscriptionDetailOutput)
    def get(self, _request: Request, subscription_id: str) -> Response:
        """Show it with its quota."""
        return self.answer(subscription_id)


class ChangesView(SubscriptionViewBase):
    """What happened to a subscription."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.ChangeOutput(many=True))
    def get(self, _request: Request, subscription_id: str) -> Response:
        """List its changes, newest first."""
        return self.paginated(self.load(subscription_id).changes.all(), shapes.ChangeOutput)


class AnswerView(SubscriptionViewBase):
    """Answers the provider's question."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.AnswerProviderInput, responses=shapes.SubscriptionDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Answer; the provider decides then. 409 when nothing was asked."""
        values = self.validated(shapes.AnswerProviderInput)
        services.answer_provider(
            subscription=self.load(subscription_id), actor=self.actor, **values
        )
        return self.answer(subscription_id)


class CancelView(SubscriptionViewBase):
    """Cancels a subscription."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.CancelInput, responses=shapes.SubscriptionDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """End it at the end of the period, or at once; its keys end with it. A waiting one is withdrawn at once."""
        values = self.validated(shapes.CancelInput)
        cancel = (
            services.cancel_subscription
            if values["at"] == shapes.NOW
            else services.cancel_at_period_end
        )
        cancel(
            subscription=self.load(subscription_id),
            actor=self.actor,
            reason=values["reason"],
            feedback=values["feedback"],
        )
        return self.answer(subscription_id)


class KeepView(SubscriptionViewBase):
    """Takes a scheduled cancellation back."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.SubscriptionDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Keep the subscription; 409 when no cancellation is scheduled."""
        services.withdraw_cancellation(subscription=self.load(subscription_id), actor=self.actor)
        return self.answer(subscription_id)


class StartPaidView(SubscriptionViewBase):
    """Ends a trial early: paid service begins."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.SubscriptionDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Let paid service begin now; 409 when it is not on trial, 422 `card_required` when it needs a card first."""
        services.convert_trial(subscription=self.load(subscription_id), actor=self.actor)
        return self.answer(subscription_id)


class PauseView(SubscriptionViewBase):
    """Pauses a subscription."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.ReasonInput, responses=shapes.SubscriptionDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Let no call pass until it is resumed."""
        services.pause_subscription(
            subscription=self.load(subscription_id),
            actor=self.actor,
            **self.validated(shapes.ReasonInput),
        )
        return self.answer(subscription_id)


class ResumeView(SubscriptionViewBase):
    """Ends a pause."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.SubscriptionDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Let calls pass again; a suspension by the provider is not the consumer's to end."""
        services.unpause_subscription(subscription=self.load(subscription_id), actor=self.actor)
        return self.answer(subscription_id)


# --- the provider's side ------------------------------------------------------------------------


class SubscribersView(ApiView):
    """Who subscribed to the caller's APIs."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.SubscriberOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_subscribers(self.actor), shapes.SubscriberOutput)


class SubscriberViewBase(ApiView):
    """Base of the views of one subscription, as its provider."""

    def load(self, subscription_id: str) -> Subscription:
        """Return the subscription if it is to an API of the caller's, else answer 404."""
        return selectors.get_subscriber(self.actor, subscription_id)

    def carry_out(self, move: Any, subscription_id: str, **values: Any) -> Response:
        """Do one move and answer the subscription as it is then."""
        move(subscription=self.load(subscription_id), actor=self.actor, **values)
        return Response(shapes.SubscriberDetailOutput(self.load(subscription_id)).data)


class SubscriberView(SubscriberViewBase):
    """One subscriber."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.SubscriberDetailOutput)
    def get(self, _request: Request, subscription_id: str) -> Response:
        """Show it, with the decision that it waits for."""
        return Response(shapes.SubscriberDetailOutput(self.load(subscription_id)).data)


class AcceptView(SubscriberViewBase):
    """Accepts a waiting subscription."""

    method_permissions = {"POST": PROVIDE}

    @extend_schema(request=shapes.AcceptInput, responses=shapes.SubscriberDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Let it start; its periods are counted from now. 403 for members of the subscriber's organization."""
        values = self.validated(shapes.AcceptInput)
        return self.carry_out(services.accept_subscription, subscription_id, **values)


class DeclineView(SubscriberViewBase):
    """Turns a waiting subscription down."""

    method_permissions = {"POST": PROVIDE}

    @extend_schema(request=shapes.DeclineInput, responses=shapes.SubscriberDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Decline it with a reason that its consumer reads."""
        values = self.validated(shapes.DeclineInput)
        return self.carry_out(services.decline_subscription, subscription_id, **values)


class AskSubscriberView(SubscriberViewBase):
    """Asks a waiting subscriber something."""

    method_permissions = {"POST": PROVIDE}

    @extend_schema(request=shapes.QuestionInput, responses=shapes.SubscriberDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Ask before deciding; the deadlines stand still until the answer."""
        values = self.validated(shapes.QuestionInput)
        return self.carry_out(services.ask_subscriber, subscription_id, **values)


class SuspendSubscriberView(SubscriberViewBase):
    """Stops a subscription."""

    method_permissions = {"POST": PROVIDE}

    @extend_schema(request=shapes.ReasonInput, responses=shapes.SubscriberDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Let no call pass until it is resumed."""
        values = self.validated(shapes.ReasonInput)
        return self.carry_out(services.suspend_subscription, subscription_id, **values)


class ResumeSubscriberView(SubscriberViewBase):
    """Lets a suspended subscription work again."""

    method_permissions = {"POST": PROVIDE}

    @extend_schema(request=None, responses=shapes.SubscriberDetailOutput)
    def post(self, _request: Request, subscription_id: str) -> Response:
        """Resume it."""
        return self.carry_out(services.resume_subscription, subscription_id)
