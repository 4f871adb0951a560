"""Promotions over REST: the provider's own, and the operator's."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core.api.views import ApiView
from apps.pricing import promotion_selectors as selectors
from apps.pricing import services
from apps.pricing.api import promotion_serializers as shapes
from apps.pricing.models import Promotion
from apps.pricing.promotion_drafts import draft_of_promotion

READ = "plans.read"
MANAGE = "plans.manage"
OPERATOR = "staff:operator"


class PromotionViewBase(ApiView):
    """Base of the views of one promotion."""

    def load(self, promotion_id: str) -> Promotion:
        """Return the promotion if it is the caller's, else answer 404."""
        return selectors.get_own_promotion(self.actor, promotion_id)

    def change(self, promotion_id: str) -> Response:
        """Change the fields that are given."""
        promotion = self.load(promotion_id)
        values = self.validated(shapes.PromotionChangesInput)
        draft = shapes.promotion_draft_of(values, draft_of_promotion(promotion))
        services.update_promotion(promotion=promotion, draft=draft, actor=self.actor)
        return self.answer(promotion_id)

    def answer(self, promotion_id: str) -> Response:
        """Answer the promotion as it is now."""
        return Response(shapes.PromotionOutput(self.load(promotion_id)).data)


class OperatorPromotionViewBase(PromotionViewBase):
    """Base of the views of one of the operator's promotions."""

    def load(self, promotion_id: str) -> Promotion:
        """Return the promotion if it is the operator's, else answer 404."""
        return selectors.get_operator_promotion(self.actor, promotion_id)


class ProviderPromotionsView(ApiView):
    """The promotions of the caller's organization, for its own plans."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.PromotionOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_own_promotions(self.actor), shapes.PromotionOutput)

    @extend_schema(request=shapes.PromotionInput, responses={201: shapes.PromotionOutput})
    def post(self, request: Request) -> Response:
        """Make one; 422 `invalid_promotion` points at each defect."""
        draft = shapes.promotion_draft_of(self.validated(shapes.PromotionInput))
        organization = get_current_organization(self.actor)

        def make() -> object:
            made = services.create_promotion(
                draft=draft, organization=organization, actor=self.actor
            )
            return shapes.PromotionOutput(made).data

        return self.created(request, make)


class ProviderPromotionView(PromotionViewBase):
    """One promotion of the caller's organization."""

    method_permissions = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=shapes.PromotionOutput)
    def get(self, _request: Request, promotion_id: str) -> Response:
        """Show it."""
        return self.answer(promotion_id)

    @extend_schema(request=shapes.PromotionChangesInput, responses=shapes.PromotionOutput)
    def patch(self, _request: Request, promotion_id: str) -> Response:
        """Change some fields; 409 `promotion_in_use` where subscribers were promised something else."""
        return self.change(promotion_id)


class DeactivatePromotionView(PromotionViewBase):
    """Stops a promotion."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.PromotionOutput)
    def post(self, _request: Request, promotion_id: str) -> Response:
        """Let nobody redeem it any more; who has it keeps it."""
        services.deactivate_promotion(promotion=self.load(promotion_id), actor=self.actor)
        return self.answer(promotion_id)


class ActivatePromotionView(PromotionViewBase):
    """Starts a stopped promotion."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.PromotionOutput)
    def post(self, _request: Request, promotion_id: str) -> Response:
        """Let it be redeemed again."""
        services.activate_promotion(promotion=self.load(promotion_id), actor=self.actor)
        return self.answer(promotion_id)


class OperatorPromotionsView(ApiView):
    """The operator's promotions, which may reach every plan."""

    method_permissions = {"GET": OPERATOR, "POST": OPERATOR}

    @extend_schema(responses=shapes.PromotionOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_operator_promotions(), shapes.PromotionOutput)

    @extend_schema(request=shapes.PromotionInput, responses={201: shapes.PromotionOutput})
    def post(self, request: Request) -> Response:
        """Make one that the operator bears; 422 `invalid_promotion` points at each defect."""
        draft = shapes.promotion_draft_of(self.validated(shapes.PromotionInput))

        def make() -> object:
            made = services.create_promotion(draft=draft, organization=None, actor=self.actor)
            return shapes.PromotionOutput(made).data

        return self.created(request, make)


class OperatorPromotionView(OperatorPromotionViewBase):
    """One of the operator's promotions."""

    method_permissions = {"GET": OPERATOR, "PATCH": OPERATOR}

    @extend_schema(responses=shapes.PromotionOutput)
    def get(self, _request: Request, promotion_id: str) -> Response:
        """Show it."""
        return self.answer(promotion_id)

    @extend_schema(request=shapes.PromotionChangesInput, responses=shapes.PromotionOutput)
    def patch(self, _request: Request, promotion_id: str) -> Response:
        """Change some fields; 409 `promotion_in_use` where subscribers were promised something else."""
        return self.change(promotion_id)


class DeactivateOperatorPromotionView(OperatorPromotionViewBase):
    """Stops one of the operator's promotions."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=None, responses=shapes.PromotionOutput)
    def post(self, _request: Request, promotion_id: str) -> Response:
        """Let nobody redeem it any more; who has it keeps it."""
        services.deactivate_promotion(promotion=self.load(promotion_id), actor=self.actor)
        return self.answer(promotion_id)


class ActivateOperatorPromotionView(OperatorPromotionViewBase):
    """Starts one of the operator's stopped promotions."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=None, responses=shapes.PromotionOutput)
    def post(self, _request: Request, promotion_id: str) -> Response:
        """Let it be redeemed again."""
        services.activate_promotion(promotion=self.load(promotion_id), actor=self.actor)
        return self.answer(promotion_id)
