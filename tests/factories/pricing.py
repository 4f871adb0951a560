"""Plans with prices, made by the services that providers use.

`make_plan()` gives a published plan of an active API: 1 000 free calls, then two tiers, and a base fee.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.actors import Actor
from apps.pricing import services
from apps.pricing.drafts import ComponentDraft, PlanDraft, PriceDraft, TierDraft
from apps.pricing.enums import PriceModel, PromotionKind, QuotaKind
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_drafts import PromotionDraft
from tests.factories.apis import make_api

SYSTEM = Actor.system("tests")


def make_price(**fields: Any) -> PriceDraft:
    """Return a monthly price: 9.00 a period, 1 000 calls free, then 0.002 and 0.001 a call."""
    calls = ComponentDraft(
        meter="calls",
        name="Calls",
        model=PriceModel.GRADUATED,
        free_units=Decimal(1000),
        tiers=(
            TierDraft(up_to=Decimal(10_000), unit_price=Decimal("0.002")),
            TierDraft(up_to=None, unit_price=Decimal("0.001")),
        ),
    )
    base = ComponentDraft(
        meter="base_fee", name="Base fee", model=PriceModel.FLAT, flat_fee=Decimal(9)
    )
    given = {
        "currency": "USD",
        "components": (base, calls),
        "quota_calls": 10_000,
        "quota_kind": QuotaKind.HARD,
    }
    return PriceDraft(**{**given, **fields})


def make_plan(
    api: Api | None = None, *, name: str = "Basic", price: PriceDraft | None = None, **fields: Any
) -> Plan:
    """Make a published plan with a current price version."""
    with transaction.atomic():
        api = api or make_api()
    plan = services.create_plan(api=api, draft=PlanDraft(name=name, **fields), actor=SYSTEM)
    services.add_price_version(plan=plan, draft=price or make_price(), actor=SYSTEM)
    return services.publish_plan(plan=plan, actor=SYSTEM)


def make_promotion(organization: Organization | None = None, **fields: Any) -> Promotion:
    """Make a promotion of a provider, or of the operator: 20 percent of one bill, by the code WELCOME20."""
    given: dict[str, Any] = {"name": "Welcome", "code": "WELCOME20", **fields}
    kind = given.setdefault("kind", PromotionKind.PERCENTAGE)
    if kind == PromotionKind.PERCENTAGE:
        given.setdefault("percent_off", Decimal(20))
    if given.get("is_automatic"):
        given["code"] = ""
    draft = PromotionDraft(**given)
    return services.create_promotion(draft=draft, organization=organization, actor=SYSTEM)
