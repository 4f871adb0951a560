"""Moving subscribers to a newer version over REST: the provider's side, and what the subscriber reads of it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.exceptions import NotFound
from apps.pricing.api.comparison_views import TermDifferenceOutput
from apps.pricing.api.views import MANAGE, READ, PlanViewBase
from apps.pricing.differences import differences
from apps.pricing.selectors import draft_of
from apps.subscriptions import plan_moves, services
from apps.subscriptions.api.views import READ as READ_OWN
from apps.subscriptions.api.views import SubscriptionViewBase
from apps.subscriptions.models import PlanMove


class PlanMoveInput(serializers.Serializer[Any]):
    """To which version, and not before which day."""

    version = serializers.CharField(help_text="Public id of a published version, `prv_…`.")
    moves_on = serializers.DateField(
        help_text="Each subscriber is moved when the period ends on or after this day in its time zone."
    )


class MoveProgressOutput(serializers.Serializer[Any]):
    """How many subscriptions moved, wait, or left before."""

    moved = serializers.IntegerField()
    waiting = serializers.IntegerField()
    left = serializers.IntegerField()


class PlanMoveOutput(serializers.ModelSerializer[PlanMove]):
    """A move of a plan's subscribers to a newer version."""

    id = serializers.CharField(source="public_id", read_only=True)
    plan = serializers.CharField(source="plan.public_id", read_only=True)
    progress = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = PlanMove
        fields = (
            "id",
            "plan",
            "number",
            "moves_on",
            "status",
            "progress",
            "created_at",
            "settled_at",
        )
        read_only_fields = fields

    @extend_schema_field(MoveProgressOutput)
    def get_progress(self, move: PlanMove) -> dict[str, Any]:
        """Return how far it is."""
        return dict(MoveProgressOutput(plan_moves.progress_of([move])[move.pk]).data)


class ComingMoveOutput(serializers.Serializer[Any]):
    """What changes for a subscriber, and when."""

    number = serializers.IntegerField()
    price_version = serializers.CharField()
    moves_at = serializers.DateTimeField()
    differences = TermDifferenceOutput(many=True)


class PlanMovesView(PlanViewBase):
    """Moves of a plan's subscribers to newer versions."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=PlanMoveOutput(many=True))
    def get(self, _request: Request, plan_id: str) -> Response:
        """List them, newest first."""
        return self.paginated(plan_moves.list_moves(self.load(plan_id)), PlanMoveOutput)

    @extend_schema(request=PlanMoveInput, responses={201: PlanMoveOutput})
    def post(self, request: Request, plan_id: str) -> Response:
        """Announce a move; 422 `move_too_soon` names the first day that leaves enough notice."""
        plan = self.load(plan_id)
        values = self.validated(PlanMoveInput)
        version = self.load_version(plan, values["version"])
        return self.created(
            request,
            lambda: (
                PlanMoveOutput(
                    services.move_subscribers(
                        plan=plan, version=version, moves_on=values["moves_on"], actor=self.actor
                    )
                ).data
            ),
        )


class PlanMoveView(PlanViewBase):
    """One move."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=PlanMoveOutput)
    def get(self, _request: Request, plan_id: str, move_id: str) -> Response:
        """Show how far it is."""
        return Response(PlanMoveOutput(plan_moves.get_move(self.load(plan_id), move_id)).data)


class CallOffMoveView(PlanViewBase):
    """Calls a move off."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=PlanMoveOutput)
    def post(self, _request: Request, plan_id: str, move_id: str) -> Response:
        """Leave those who were not moved where they are, and tell them; 409 when it is over."""
        move = plan_moves.get_move(self.load(plan_id), move_id)
        return Response(PlanMoveOutput(services.call_off_move(move=move, actor=self.actor)).data)


class ComingMoveView(SubscriptionViewBase):
    """The newer version that a subscription's provider moves it to."""

    method_permissions = {"GET": READ_OWN}

    @extend_schema(responses=ComingMoveOutput)
    def get(self, _request: Request, subscription_id: str) -> Response:
        """Show when, and what changes; 404 when nothing is step."""
        subscription = self.load(subscription_id)
        step = plan_moves.find_coming_move(subscription)
        if step is None:
            raise NotFound
        answer = {
            "number": step.price_version.number,
            "price_version": step.price_version.public_id,
            "moves_at": step.due_at,
            "differences": differences(
                draft_of(subscription.price_version), draft_of(step.price_version)
            ),
        }
        return Response(ComingMoveOutput(answer).data)
