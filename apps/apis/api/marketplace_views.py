"""The public catalogue."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import provider_selectors, selectors
from apps.apis.api import marketplace_serializers as shapes
from apps.apis.api.marketplace_pagination import PlaceCursor
from apps.core.api.pagination import WholeList
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView

PARAMETERS = [
    OpenApiParameter("q", str, description="Words, or beginnings of words."),
    OpenApiParameter("category", str, description="A category's slug."),
    OpenApiParameter("tag", str, description="A tag."),
    OpenApiParameter(
        "price_model",
        str,
        enum=selectors.PRICE_MODELS,
        description="A plan of the API has a price of this kind.",
    ),
    OpenApiParameter(
        "free", str, enum=("true", "false"), description="`true`: a plan can be used for nothing."
    ),
    OpenApiParameter(
        "rating",
        str,
        enum=tuple(map(str, selectors.RATING_CHOICES)),
        description="The least average rating.",
    ),
    OpenApiParameter(
        "latency",
        str,
        enum=tuple(map(str, selectors.LATENCY_CHOICES_MS)),
        description="The most milliseconds that half of the health checks may take.",
    ),
    OpenApiParameter(
        "sort",
        str,
        enum=selectors.Sort.values,
        description="Best matches first; without words, the newest.",
    ),
    OpenApiParameter(
        "currency",
        str,
        description="Of the order by price: others stand behind. The catalogue's most frequent, if it is not given.",
    ),
]


class CatalogueView(ApiView):
    """APIs that anybody may find."""

    method_permissions = {"GET": PUBLIC}
    paginator_class = PlaceCursor

    @extend_schema(parameters=PARAMETERS, responses=shapes.CatalogueEntryOutput(many=True), auth=[])
    def get(self, request: Request) -> Response:
        """Search and filter the catalogue. `searched` is what was searched instead of a mistyped `q`."""
        criteria = selectors.parse_criteria(request.query_params)
        results = selectors.search_catalogue(criteria)
        paginator = PlaceCursor()
        page = paginator.page_of(results, request)
        answer = paginator.get_paginated_response(shapes.CatalogueEntryOutput(page, many=True).data)
        answer.data |= {
            "total": len(results),
            "is_capped": results.is_capped,
            "searched": results.corrected or None,
        }
        return answer


class ListingView(ApiView):
    """One API of the catalogue."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.CatalogueDetailOutput, auth=[])
    def get(self, _request: Request, slug: str) -> Response:
        """Show it with its facts and operations; an API that is private or not live does not exist."""
        api = selectors.get_readable_api(self.actor, slug)
        context = {
            "version": selectors.find_current_version(api),
            "endpoints": selectors.list_endpoints(api),
            "headers": provider_selectors.list_required_headers(api),
        }
        return Response(shapes.CatalogueDetailOutput(api, context=context).data)


class CategoriesView(ApiView):
    """The shelves of the catalogue."""

    paginator_class = WholeList
    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.ShelfOutput(many=True), auth=[])
    def get(self, _request: Request) -> Response:
        """List them with the number of APIs on each."""
        return self.paginated(selectors.list_shelves(), shapes.ShelfOutput)
