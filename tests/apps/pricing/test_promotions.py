from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.core import clock
from apps.core.models import AuditEvent
from apps.pricing import services
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.exceptions import InvalidPromotion, PromotionCodeTaken, PromotionInUse
from apps.pricing.models import Promotion
from apps.pricing.promotion_drafts import (
    PromotionDraft,
    draft_of_promotion,
    find_promotion_defects,
)
from apps.pricing.promotion_selectors import find_promotion
from tests.factories.accounts import OrganizationFactory
from tests.factories.pricing import SYSTEM, make_plan, make_promotion

GOOD = PromotionDraft(
    name="Spring", code="SPRING", kind=PromotionKind.PERCENTAGE, percent_off=Decimal(20)
)
NOW = clock.now()


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"name": " "}, "/name", "required"),
        ({"code": ""}, "/code", "required"),
        ({"code": "a b"}, "/code", "invalid"),
        ({"is_automatic": True}, "/code", "unexpected"),
        ({"percent_off": None}, "/percent_off", "required"),
        ({"percent_off": Decimal(101)}, "/percent_off", "out_of_range"),
        ({"percent_off": Decimal("NaN")}, "/percent_off", "out_of_range"),
        ({"percent_off": Decimal(-1)}, "/percent_off", "out_of_range"),
        ({"percent_off": Decimal("1.234")}, "/percent_off", "too_many_decimals"),
        ({"amount_off_minor": 100}, "/amount_off_minor", "unexpected"),
        ({"kind": PromotionKind.FIXED_AMOUNT}, "/percent_off", "unexpected"),
        ({"kind": PromotionKind.FREE_UNITS, "percent_off": None}, "/free_units", "required"),
        ({"meter": "Calls!"}, "/meter", "invalid"),
        ({"duration": PromotionDuration.PERIODS}, "/duration_periods", "required"),
        ({"duration_periods": 3}, "/duration_periods", "unexpected"),
        ({"priority": 1001}, "/priority", "out_of_range"),
        ({"max_redemptions": 0}, "/max_redemptions", "out_of_range"),
        ({"starts_at": NOW, "ends_at": NOW}, "/ends_at", "out_of_range"),
        ({"countries": ("ZW", "Zimbabwe")}, "/countries/1", "invalid"),
        (
            {"min_account_age_days": 30, "max_account_age_days": 10},
            "/max_account_age_days",
            "out_of_range",
        ),
    ],
)
def test_a_defect_is_named_by_its_field(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert find_promotion_defects(GOOD) == []
    found = [(item.pointer, item.code) for item in find_promotion_defects(replace(GOOD, **changes))]
    assert (pointer, code) in found


@pytest.mark.django_db
def test_a_promotion_is_made_changed_and_stopped_with_its_trail() -> None:
    plan = make_plan()
    draft = replace(
        GOOD, code=" spring ", plans=(plan.public_id,), categories=(plan.api.category.slug,)
    )
    made = services.create_promotion(draft=draft, organization=plan.organization, actor=SYSTEM)
    assert (made.code, list(made.plans.all())) == ("SPRING", [plan])
    assert draft_of_promotion(made) == replace(draft, code="SPRING")
    changed = replace(draft, code="spring", max_redemptions=5, plans=())
    services.update_promotion(promotion=made, draft=changed, actor=SYSTEM)
    services.deactivate_promotion(promotion=made, actor=SYSTEM)
    services.deactivate_promotion(promotion=made, actor=SYSTEM)
    services.activate_promotion(promotion=made, actor=SYSTEM)
    rows = AuditEvent.objects.filter(target_id=made.pk).order_by("occurred_at", "id")
    verbs = [row.action.rpartition(":")[2] for row in rows]
    assert verbs == ["created", "updated", "deactivated", "activated"]
    assert rows[1].after == {"max_redemptions": 5, "plans": []}


@pytest.mark.django_db
def test_what_was_promised_does_not_change_and_bad_drafts_leave_nothing() -> None:
    plan, other = make_plan(), make_plan()
    with pytest.raises(InvalidPromotion) as refusal:
        make_promotion(plan.organization, plans=(other.public_id,), categories=("none",))
    pointers = [item["pointer"] for item in refusal.value.extra["errors"]]
    assert pointers == ["/plans/0", "/categories/0"]
    promotion = make_promotion(plan.organization)
    with pytest.raises(PromotionCodeTaken):
        make_promotion(plan.organization, code="welcome20")
    make_promotion(other.organization)
    make_promotion(None)
    with pytest.raises(PromotionCodeTaken):
        make_promotion(None)
    Promotion.objects.filter(pk=promotion.pk).update(redemption_count=3)
    draft = draft_of_promotion(promotion)
    with pytest.raises(PromotionInUse) as in_use:
        services.update_promotion(
            promotion=promotion, draft=replace(draft, percent_off=Decimal(1)), actor=SYSTEM
        )
    assert in_use.value.field == "percent_off"
    with pytest.raises(InvalidPromotion):
        services.update_promotion(
            promotion=promotion, draft=replace(draft, max_redemptions=2), actor=SYSTEM
        )
    later = replace(draft, ends_at=NOW + timedelta(days=9), max_redemptions=3)
    services.update_promotion(promotion=promotion, draft=later, actor=SYSTEM)
    with pytest.raises(IntegrityError), transaction.atomic():
        Promotion.objects.filter(pk=promotion.pk).update(redemption_count=4)


@pytest.mark.django_db
def test_the_providers_code_goes_before_the_operators() -> None:
    plan = make_plan()
    operators = make_promotion(None)
    assert find_promotion(code="welcome20", plan=plan) == operators
    make_promotion(OrganizationFactory())
    assert find_promotion(code="welcome20", plan=plan) == operators
    own = make_promotion(plan.organization)
    assert find_promotion(code=" Welcome20", plan=plan) == own
    assert find_promotion(code="", plan=plan) is None
