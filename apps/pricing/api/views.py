"""Plans over REST: the provider's own, everybody's view of the offers, and quotes."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis.selectors import get_own_api, get_readable_api
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView
from apps.core.rate_limits import take_turn
from apps.pricing import selectors, services
from apps.pricing.api import plan_serializers as plan_shapes
from apps.pricing.api import serializers as shapes
from apps.pricing.api.quote_serializers import QuoteOutput
from apps.pricing.code_tries import CODE_TRIES
from apps.pricing.drafts import PlanDraft
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.quote_input import QuoteInput, read_question
from apps.pricing.quotes import answer_quote
from apps.pricing.services import PLAN_FIELDS

READ = "plans.read"
MANAGE = "plans.manage"


class ProviderPlansView(ApiView):
    """The plans of the caller's APIs."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=plan_shapes.PlanOutput(many=True))
    def get(self, request: Request) -> Response:
        """List them, newest first; `?api=api_…` keeps those of one API."""
        api_id = request.query_params.get("api")
        api = get_own_api(self.actor, api_id) if api_id else None
        rows = selectors.list_provider_plans(self.actor, api_id=api.pk if api else None)
        return self.paginated(rows, plan_shapes.PlanOutput)

    @extend_schema(request=plan_shapes.PlanInput, responses={201: plan_shapes.PlanOutput})
    def post(self, request: Request) -> Response:
        """Make a draft without a price; safe to repeat with an Idempotency-Key."""
        values = self.validated(plan_shapes.PlanInput)
        api = get_own_api(self.actor, values.pop("api"))
        draft = PlanDraft(**values)
        return self.created(
            request,
            lambda: (
                plan_shapes.PlanOutput(
                    services.create_plan(api=api, draft=draft, actor=self.actor)
                ).data
            ),
        )


class PlanViewBase(ApiView):
    """Base of the views of one plan."""

    def load(self, plan_id: str) -> Plan:
        """Return the plan if the caller's organization offers it, else answer 404."""
        return selectors.get_provider_plan(self.actor, plan_id)

    def load_version(self, plan: Plan, version_id: str) -> PriceVersion:
        """Return a version of the plan, else answer 404."""
        rows = PriceVersion.objects.filter(plan=plan).prefetch_related("components__tiers")
        return rows.get_visible(self.actor, version_id)

    def answer(self, plan: Plan) -> Response:
        """Answer the plan with its current price."""
        return Response(plan_shapes.PlanOutput(plan).data)


class ProviderPlanView(PlanViewBase):
    """One plan of the caller's organization."""

    method_permissions = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=plan_shapes.PlanOutput)
    def get(self, _request: Request, plan_id: str) -> Response:
        """Show it."""
        return self.answer(self.load(plan_id))

    @extend_schema(request=plan_shapes.PlanChangesInput, responses=plan_shapes.PlanOutput)
    def patch(self, _request: Request, plan_id: str) -> Response:
        """Change some fields; the price is changed by a new version."""
        plan = self.load(plan_id)
        present = {name: getattr(plan, name) for name in PLAN_FIELDS}
        draft = PlanDraft(**{**present, **self.validated(plan_shapes.PlanChangesInput)})
        return self.answer(services.update_plan(plan=plan, draft=draft, actor=self.actor))


class PriceVersionsView(PlanViewBase):
    """The price versions of a plan."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.PriceVersionOutput(many=True))
    def get(self, _request: Request, plan_id: str) -> Response:
        """List them, newest first."""
        rows = self.load(plan_id).versions.prefetch_related("components__tiers")
        return self.paginated(rows, shapes.PriceVersionOutput)

    @extend_schema(request=shapes.PriceInput, responses={201: shapes.PriceVersionOutput})
    def post(self, request: Request, plan_id: str) -> Response:
        """Write down a new price; 422 `invalid_price` points at each defect. It counts once published."""
        plan = self.load(plan_id)
        draft = shapes.price_draft_of(self.validated(shapes.PriceInput))
        return self.created(
            request,
            lambda: (
                shapes.PriceVersionOutput(
                    services.add_price_version(plan=plan, draft=draft, actor=self.actor)
                ).data
            ),
        )


class PublishVersionView(PlanViewBase):
    """Publishes a price version."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.PriceVersionOutput)
    def post(self, _request: Request, plan_id: str, version_id: str) -> Response:
        """Make it the one that new subscribers get; it never changes afterwards."""
        version = self.load_version(self.load(plan_id), version_id)
        services.publish_version(version=version, actor=self.actor)
        version = self.load_version(self.load(plan_id), version_id)
        return Response(shapes.PriceVersionOutput(version).data)


class PublishPlanView(PlanViewBase):
    """Offers a plan."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=plan_shapes.PlanOutput)
    def post(self, _request: Request, plan_id: str) -> Response:
        """Take new subscribers; publishes the newest price version if none is current."""
        return self.answer(services.publish_plan(plan=self.load(plan_id), actor=self.actor))


class DeprecatePlanView(PlanViewBase):
    """Stops offering a plan."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=plan_shapes.PlanOutput)
    def post(self, _request: Request, plan_id: str) -> Response:
        """Take no new subscribers; those there are keep it. It can be published again."""
        return self.answer(services.deprecate_plan(plan=self.load(plan_id), actor=self.actor))


class ClosePlanView(PlanViewBase):
    """Ends a plan."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=plan_shapes.PlanOutput)
    def post(self, _request: Request, plan_id: str) -> Response:
        """Close it for good; each subscription ends with its running period, and its subscriber is told."""
        return self.answer(services.close_plan(plan=self.load(plan_id), actor=self.actor))


class OffersView(ApiView):
    """The plans that the caller may choose for an API."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=plan_shapes.OfferOutput(many=True))
    def get(self, _request: Request, slug: str) -> Response:
        """List them with their prices; private ones where the caller's organization is invited."""
        api = get_readable_api(self.actor, slug)
        rows = selectors.list_offered_plans(api, self.actor.organization_id)
        return self.paginated(rows, plan_shapes.OfferOutput)


class QuoteView(ApiView):
    """Prices a usage on a plan, or on prices given in the request."""

    method_permissions = {"POST": PUBLIC}

    @extend_schema(request=QuoteInput, responses=QuoteOutput)
    def post(self, request: Request) -> Response:
        """Answer what a period with this usage would cost, with every step; nothing is saved.

        Give `plan`, or `currency` and `components`; 422 `invalid_price` points at each defect of the latter.
        """
        question = read_question(self.request.data)
        if "promotion_code" in question:
            take_turn(CODE_TRIES, request=request, actor=self.actor)
        return Response(answer_quote(question, actor=self.actor).explain())
