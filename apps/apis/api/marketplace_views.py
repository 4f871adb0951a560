"""The public catalogue."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import selectors
from apps.apis.api import serializers as shapes
from apps.core.api.pagination import CursorPagination
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView


class NewestFirst(CursorPagination):
    """The catalogue's order."""

    ordering = ("-activated_at", "-id")


class BestFirst(CursorPagination):
    """The order of search results."""

    ordering = ("-rank", "-activated_at", "-id")


class CatalogueView(ApiView):
    """APIs that anybody may find."""

    method_permissions = {"GET": PUBLIC}

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
        is_ranked = selectors.prefix_query(words) is not None
        self.paginator_class = BestFirst if is_ranked else NewestFirst
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

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.CategoryOutput(many=True), auth=[])
    def get(self, _request: Request) -> Response:
        """List them with the number of APIs on each."""
        rows = selectors.list_categories_with_counts()
        return Response(shapes.CategoryOutput(rows, many=True).data)
