"""The public catalogue."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import selectors
from apps.apis.api import serializers as shapes
from apps.core.api.pagination import CursorPagination
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView


class CatalogueOrder(CursorPagination):
    """Best matches first where words were searched, else newest first."""

    def get_ordering(self, request: Request, _queryset: Any, _view: Any) -> tuple[str, ...]:
        """Return the order of the query that the request asks for."""
        newest = ("-activated_at", "-id")
        is_ranked = selectors.prefix_query(request.query_params.get("q", "")) is not None
        return ("-rank", *newest) if is_ranked else newest


class CatalogueView(ApiView):
    """APIs that anybody may find."""

    method_permissions = {"GET": PUBLIC}
    paginator_class = CatalogueOrder

    @extend_schema(
        parameters=[
            OpenApiParameter("q", str, description="Words, or beginnings of words."),
            OpenApiParameter("category", str, description="A category's slug."),
        ],
        responses=shapes.ListingOutput(many=True),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        """Search: best matches first; without words, newest first."""
        words = request.query_params.get("q", "")
        slug = request.query_params.get("category", "")
        category = selectors.get_category(slug) if slug else None
        rows = selectors.search_catalogue(words, category=category)
        return self.paginated(rows, shapes.ListingOutput)


class ListingView(ApiView):
    """One API of the catalogue."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.ListingDetailOutput, auth=[])
    def get(self, _request: Request, slug: str) -> Response:
        """Show it with its operations; an API that is private or not live does not exist."""
        api = selectors.get_readable_api(self.actor, slug)
        context = {
            "version": selectors.find_current_version(api),
            "endpoints": selectors.list_endpoints(api),
        }
        return Response(shapes.ListingDetailOutput(api, context=context).data)


class CategoriesView(ApiView):
    """The shelves of the catalogue."""

    paginator_class = None  # a short list, answered whole
    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.CategoryOutput(many=True), auth=[])
    def get(self, _request: Request) -> Response:
        """List them with the number of APIs on each."""
        rows = selectors.list_categories_with_counts()
        return Response(shapes.CategoryOutput(rows, many=True).data)
