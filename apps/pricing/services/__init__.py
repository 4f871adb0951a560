"""Writes of this app, one module per noun."""

from apps.pricing.services.invitations import (
    accept_plan_invitation,
    invite_to_plan,
    invite_to_plan_by_mail,
    read_plan_link,
    remove_plan_invitation,
)
from apps.pricing.services.plans import (
    PLAN_FIELDS,
    close_plan,
    create_plan,
    deprecate_plan,
    publish_plan,
    update_plan,
)
from apps.pricing.services.promotions import (
    activate_promotion,
    create_promotion,
    deactivate_promotion,
    update_promotion,
)
from apps.pricing.services.versions import add_price_version, publish_version

__all__ = [
    "PLAN_FIELDS",
    "accept_plan_invitation",
    "activate_promotion",
    "add_price_version",
    "close_plan",
    "create_plan",
    "create_promotion",
    "deactivate_promotion",
    "deprecate_plan",
    "invite_to_plan",
    "invite_to_plan_by_mail",
    "publish_plan",
    "publish_version",
    "read_plan_link",
    "remove_plan_invitation",
    "update_plan",
    "update_promotion",
]
