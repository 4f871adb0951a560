"""Plans: the operator's catalogue, moves of subscribers, and the platform's own plans."""

from __future__ import annotations

from marketplace.settings.env import env_int, env_text
from marketplace.settings.product import BASE_DIR, ENVIRONMENT

# A YAML file or a directory of them (docs/domain/catalogue-yaml.md); empty: the operator keeps none.
PRICING_CATALOGUE = env_text("PRICING_CATALOGUE", "")
# Subscribers are moved to a newer version of their plan so many days after they were told, or later.
PLAN_MOVE_NOTICE_DAYS = env_int("PLAN_MOVE_NOTICE_DAYS", 30, minimum=0)
# The platform's own plans, and the one of organizations that were given none. docs/domain/platform-plans.md.
PLATFORM_PLANS_FILE = env_text("PLATFORM_PLANS_FILE", str(BASE_DIR / "marketplace" / "plans.yml"))
PLATFORM_DEFAULT_PLAN = env_text(
    "PLATFORM_DEFAULT_PLAN", "free" if ENVIRONMENT == "production" else "team"
)
