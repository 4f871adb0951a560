"""The shelves of the catalogue, as the operator arranges them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.apis.models import Category
from apps.core.actors import Actor
from apps.core.audit import record_audit


@transaction.atomic
def save_category(*, category: Category, actor: Actor, before: Mapping[str, Any]) -> Category:
    """Store a new or changed category; `before` holds the values that the change replaced."""
    category.full_clean()
    category.save()
    record_audit(
        action="apis:category:saved",
        target=category,
        actor=actor,
        before=dict(before),
        after={name: getattr(category, name) for name in before} or {"slug": category.slug},
    )
    return category
