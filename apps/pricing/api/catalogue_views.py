"""The operator's catalogue over REST: models, the files and their revisions; and plans made from models."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis.selectors import get_own_api
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.pricing import catalogue_selectors as selectors
from apps.pricing import services
from apps.pricing.api import catalogue_serializers as shapes
from apps.pricing.api.plan_serializers import PlanOutput
from apps.pricing.catalogue.schema import catalogue_schema
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision
from apps.pricing.selectors import get_provider_plan

READ = "staff:operator,finance"
OPERATOR = "staff:operator"
MANAGE_PLANS = "plans.manage"
AGAINST = OpenApiParameter("against", int, description="Number of a revision; the one before.")


class PricingModelsView(ApiView):
    """The pricing models that plans can be made from."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.PricingModelOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the active ones, newest first."""
        return self.paginated(selectors.list_active_models(), shapes.PricingModelOutput)


class PricingModelView(ApiView):
    """One of them."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.PricingModelOutput)
    def get(self, _request: Request, key: str) -> Response:
        """Show an active model."""
        model = selectors.get_model(key, among=selectors.list_active_models())
        return Response(shapes.PricingModelOutput(model).data)


class CatalogueSchemaView(ApiView):
    """The JSON Schema of the catalogue's files."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, _request: Request) -> Response:
        """Answer it; editors check files with it while they are written."""
        return Response(catalogue_schema())


class AdminModelsView(ApiView):
    """Every pricing model, with where it is kept."""

    method_permissions = {"GET": READ, "POST": OPERATOR}

    @extend_schema(responses=shapes.OwnedModelOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_models(), shapes.OwnedModelOutput)

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: shapes.OwnedModelOutput})
    def post(self, request: Request) -> Response:
        """Add a model: the body is its definition, as a file of the catalogue would say it.

        Send prices as text to keep every digit. 422 `pricing_model_invalid` points at each defect.
        """
        definition = exact(request.data)
        return self.created(
            request,
            lambda: answer(services.create_pricing_model(definition=definition, actor=self.actor)),
        )


class AdminModelView(ApiView):
    """One pricing model."""

    method_permissions = {"GET": READ, "PUT": OPERATOR}

    @extend_schema(responses=shapes.OwnedModelOutput)
    def get(self, _request: Request, key: str) -> Response:
        """Show it."""
        return Response(shapes.OwnedModelOutput(selectors.get_model(key)).data)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=shapes.OwnedModelOutput)
    def put(self, request: Request, key: str) -> Response:
        """Replace its definition; a new price is a new version. 409 `owned_by_file` where a file defines it."""
        model = selectors.get_model(key)
        services.update_pricing_model(model=model, definition=exact(request.data), actor=self.actor)
        return Response(answer(model))


class ModelActivityView(ApiView):
    """Base of the two moves of a model."""

    method_permissions = {"POST": OPERATOR}
    is_active: bool

    def move(self, key: str) -> Response:
        """Switch the model and answer it."""
        model = selectors.get_model(key)
        services.set_pricing_model_active(model=model, is_active=self.is_active, actor=self.actor)
        return Response(answer(model))


class ActivateModelView(ModelActivityView):
    """Offers a model to providers."""

    is_active = True

    @extend_schema(request=None, responses=shapes.OwnedModelOutput)
    def post(self, _request: Request, key: str) -> Response:
        """Offer it; 409 `owned_by_file` where a file defines it."""
        return self.move(key)


class DeactivateModelView(ModelActivityView):
    """Takes a model from the list."""

    is_active = False

    @extend_schema(request=None, responses=shapes.OwnedModelOutput)
    def post(self, _request: Request, key: str) -> Response:
        """Stop offering it; plans that were made from it keep their price."""
        return self.move(key)


class ModelVersionsView(ApiView):
    """What a model has been."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.ModelVersionOutput(many=True))
    def get(self, _request: Request, key: str) -> Response:
        """List its versions, newest first, each with its definition."""
        rows = selectors.get_model(key).versions.select_related("revision")
        return self.paginated(rows, shapes.ModelVersionOutput)


class CatalogueView(ApiView):
    """Where the catalogue stands."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.CatalogueStateOutput)
    def get(self, _request: Request) -> Response:
        """Show the revision in force and the outcome of the last load."""
        return Response(shapes.CatalogueStateOutput(selectors.catalogue_state()).data)


class ReloadView(ApiView):
    """Loads the files now."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=None, responses=shapes.CatalogueLoadOutput)
    def post(self, _request: Request) -> Response:
        """Apply them in one transaction; 422 `catalogue_invalid` names file, line and reason, and the old stays."""
        load = services.load_catalogue(
            path=services.configured_path(), trigger="rest", actor=self.actor
        )
        return Response(shapes.CatalogueLoadOutput(load).data)


class LoadsView(ApiView):
    """Attempts to load the files."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.CatalogueLoadOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them with their problems, newest first."""
        rows = CatalogueLoad.objects.select_related("revision")
        return self.paginated(rows, shapes.CatalogueLoadOutput)


class RevisionsView(ApiView):
    """The revisions of the catalogue."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.RevisionOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        rows = CatalogueRevision.objects.select_related("restored").defer("content", "files")
        return self.paginated(rows, shapes.RevisionOutput)


class RevisionView(ApiView):
    """One revision."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.RevisionDetail)
    def get(self, _request: Request, number: int) -> Response:
        """Show the whole catalogue as it was, and the files as they were written."""
        return Response(shapes.RevisionDetail(selectors.get_revision(number)).data)


class RevisionDifferencesView(ApiView):
    """What a revision changed."""

    method_permissions = {"GET": READ}

    @extend_schema(parameters=[AGAINST], responses=shapes.CatalogueDifferenceOutput(many=True))
    def get(self, request: Request, number: int) -> Response:
        """List what differs from another revision (`?against=`), by default the one before; at most 500."""
        against = request.query_params.get("against")
        if against is not None and not (against.isascii() and against.isdigit()):
            raise NotFound
        revision = selectors.get_revision(number)
        found = selectors.differences_of(revision, None if against is None else int(against))
        rows = [difference.to_json() for difference in found]
        return Response({"data": shapes.CatalogueDifferenceOutput(rows, many=True).data})


class RollbackView(ApiView):
    """Goes back to a revision."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=shapes.RollbackInput, responses={201: shapes.RevisionOutput})
    def post(self, request: Request, number: int) -> Response:
        """Make the catalogue what it was, as a new revision; the files count again once they change or are reloaded."""
        reason = self.validated(shapes.RollbackInput)["reason"]
        revision = selectors.get_revision(number)
        return self.created(
            request,
            lambda: (
                shapes.RevisionOutput(
                    services.roll_back_catalogue(revision=revision, actor=self.actor, reason=reason)
                ).data
            ),
        )


class PlanFromModelView(ApiView):
    """Makes a plan from a pricing model."""

    method_permissions = {"POST": MANAGE_PLANS}

    @extend_schema(request=shapes.PlanFromModelInput, responses={201: PlanOutput})
    def post(self, request: Request) -> Response:
        """Make a draft with the model's price; it counts once published. It may follow the model."""
        values = self.validated(shapes.PlanFromModelInput)
        api = get_own_api(self.actor, values["api"])
        model = selectors.get_model(values["model"])
        draft = services.plan_draft_of(services.newest_version_of(model))
        if "name" in values:
            draft = dataclasses.replace(draft, name=values["name"])
        return self.created(
            request,
            lambda: (
                PlanOutput(
                    services.create_plan_from_model(
                        api=api,
                        model=model,
                        draft=draft,
                        follow=values["follow"],
                        actor=self.actor,
                    )
                ).data
            ),
        )


class FollowModelView(ApiView):
    """Lets a plan follow a pricing model."""

    method_permissions = {"PUT": MANAGE_PLANS}

    @extend_schema(request=shapes.FollowInput, responses=PlanOutput)
    def put(self, _request: Request, plan_id: str) -> Response:
        """Take over each new price of the model from now on, for new subscribers; null ends it."""
        key = self.validated(shapes.FollowInput)["model"]
        plan = get_provider_plan(self.actor, plan_id)
        model = None if key is None else selectors.get_model(key)
        return Response(
            PlanOutput(services.follow_model(plan=plan, model=model, actor=self.actor)).data
        )


def answer(model: CatalogueModel) -> dict[str, Any]:
    """Return a model as operators read it, as it is now."""
    return dict(shapes.OwnedModelOutput(selectors.get_model(model.key)).data)


def exact(value: Any) -> Any:
    """Return what JSON said with the digits that were written: its fractions came as floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {str(name): exact(item) for name, item in value.items()}
    return [exact(item) for item in value] if isinstance(value, list) else value
