from __future__ import annotations

import pytest
from django.urls import reverse

from apps.pricing.models import Promotion
from tests.clients import client_for
from tests.factories.accounts import make_staff
from tests.factories.pricing import make_plan, make_promotion

pytestmark = pytest.mark.django_db
FIELDS = {
    "name": "Launch",
    "code": "LAUNCH",
    "kind": "percentage",
    "percent_off": "15",
    "duration": "once",
    "priority": "50",
    "max_per_customer": "1",
}


def test_the_operator_makes_and_changes_its_own_and_stops_any() -> None:
    browser, plan = client_for(make_staff("operator")), make_plan()
    add = reverse("admin:pricing_promotion_add")
    assert browser.post(add, {**FIELDS, "plans": "pln_none"}).status_code == 422
    assert browser.post(add, {**FIELDS, "plans": plan.public_id}).status_code == 302
    made = Promotion.objects.get()
    assert (made.is_operators, list(made.plans.all())) == (True, [plan])
    change = reverse("admin:pricing_promotion_change", args=[made.pk])
    assert plan.public_id in browser.get(change).content.decode()
    assert browser.post(change, {**FIELDS, "name": "Opening"}).status_code == 302
    theirs = make_promotion(plan.organization)
    read = reverse("admin:pricing_promotion_change", args=[theirs.pk])
    assert browser.get(read).status_code == 200
    rows = reverse("admin:pricing_promotion_changelist")
    text = browser.get(rows).content.decode()
    assert "15 percent off" in text
    assert "the operator" in text
    browser.post(rows, {"action": "stop_selected", "_selected_action": [made.pk, theirs.pk]})
    assert not Promotion.objects.filter(is_active=True).exists()
    assert Promotion.objects.get(pk=made.pk).name == "Opening"


def test_others_only_read() -> None:
    promotion = make_promotion(None)
    browser = client_for(make_staff("approver"))
    change = reverse("admin:pricing_promotion_change", args=[promotion.pk])
    assert browser.get(change).status_code == 200
    assert browser.post(reverse("admin:pricing_promotion_add"), FIELDS).status_code == 403
    assert Promotion.objects.count() == 1
