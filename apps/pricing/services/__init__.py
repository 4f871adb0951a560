"""Writes of this app, one module per noun."""

from apps.pricing.services.catalogue import configured_path, load_catalogue, roll_back_catalogue
from apps.pricing.services.invitations import (
    accept_plan_invitation,
    invite_to_plan,
    invite_to_plan_by_mail,
    read_plan_link,
    remove_plan_invitation,
)
from apps.pricing.services.model_plans import (
    bring_followers_up_to_date,
    create_plan_from_model,
    follow_model,
    newest_version_of,
    plan_draft_of,
    price_draft_of,
)
from apps.pricing.services.plans import (
    PLAN_FIELDS,
    close_plan,
    create_plan,
    deprecate_plan,
    publish_plan,
    update_plan,
)
from apps.pricing.services.pricing_models import (
    create_pricing_model,
    set_pricing_model_active,
    update_pricing_model,
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
    "bring_followers_up_to_date",
    "close_plan",
    "configured_path",
    "create_plan",
    "create_plan_from_model",
    "create_pricing_model",
    "create_promotion",
    "deactivate_promotion",
    "deprecate_plan",
    "follow_model",
    "invite_to_plan",
    "invite_to_plan_by_mail",
    "load_catalogue",
    "newest_version_of",
    "plan_draft_of",
    "price_draft_of",
    "publish_plan",
    "publish_version",
    "read_plan_link",
    "remove_plan_invitation",
    "roll_back_catalogue",
    "set_pricing_model_active",
    "update_plan",
    "update_pricing_model",
    "update_promotion",
]
