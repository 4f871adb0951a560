"""The back office's page of extra calls."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.subscriptions.models import QuotaTopUp
from tests.clients import client_for
from tests.factories.accounts import make_staff
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def test_operator_grants_calls_and_sees_them() -> None:
    subscription = make_subscription()
    browser = client_for(make_staff("operator"))
    path = reverse("admin:subscriptions_top_ups", args=[subscription.pk])
    detail = browser.get(reverse("admin:subscriptions_subscription_change", args=[subscription.pk]))
    assert path in detail.content.decode()

    assert browser.post(path, {"calls": "0", "reason": "x"}).status_code == 422
    assert browser.post(path, {"calls": "500", "reason": ""}).status_code == 422
    assert not QuotaTopUp.objects.exists()
    assert browser.post(path, {"calls": "500", "reason": "launch day"}).status_code == 302

    text = browser.get(path).content.decode()
    assert "10,500" in text
    assert "launch day" in text


def test_others_of_the_back_office_may_not() -> None:
    subscription = make_subscription()
    path = reverse("admin:subscriptions_top_ups", args=[subscription.pk])
    answer = client_for(make_staff("approver")).post(path, {"calls": "5", "reason": "why"})
    assert answer.status_code == 403
    assert not QuotaTopUp.objects.exists()
