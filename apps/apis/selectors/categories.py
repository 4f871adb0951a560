"""The shelves of the catalogue, and how many APIs stand on each."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.apis.enums import CALLABLE_STATUSES, Visibility
from apps.apis.models import Category
from apps.core.exceptions import NotFound


def list_categories() -> QuerySet[Category]:
    """Return all categories in the operator's order."""
    return Category.objects.all()


def list_categories_with_counts() -> QuerySet[Category]:
    """Return all categories with `api_count`, the number of APIs that the catalogue lists in each."""
    return _counted(Category.objects.all())


def _counted(rows: QuerySet[Category]) -> QuerySet[Any]:
    listed = Q(apis__status__in=CALLABLE_STATUSES, apis__visibility=Visibility.PUBLIC)
    # A query that groups forgets the model's own order.
    return rows.annotate(api_count=Count("apis", filter=listed)).order_by("position", "name")


def get_category(slug: str) -> Category:
    """Return a category by its slug.

    Raises:
        NotFound: there is none.
    """
    category = Category.objects.filter(slug=slug).first()
    if category is None:
        raise NotFound
    return category
