"""Writes of this app, one module per noun."""

from apps.pricing.services.plans import (
    PLAN_FIELDS,
    close_plan,
    create_plan,
    deprecate_plan,
    publish_plan,
    update_plan,
)
from apps.pricing.services.versions import add_price_version, publish_version

__all__ = [
    "PLAN_FIELDS",
    "add_price_version",
    "close_plan",
    "create_plan",
    "deprecate_plan",
    "publish_plan",
    "publish_version",
    "update_plan",
]
