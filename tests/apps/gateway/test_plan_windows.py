"""A plan's windows reach the gateway and are shown to those who choose a plan."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from apps.pricing.drafts import RATE_FIELDS
from apps.pricing.selectors import draft_of
from apps.pricing.summaries import summary_of
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

RATES = {"rate_per_second": 5, "rate_per_minute": 60, "rate_per_hour": 900, "rate_per_day": 9_000}


def test_every_window_of_a_plan_is_wanted_in_the_registry() -> None:
    plan = make_plan(price=make_price(**RATES))
    subscription = make_subscription(plan=plan)

    held = RegistryEntry.objects.get(
        kind=EntryKind.SUBSCRIPTION, subject_id=subscription.pk
    ).payload

    assert held is not None
    assert [(limit["name"], limit["max"], limit["window_s"]) for limit in held["limits"]] == [
        ("second", 5, 1),
        ("minute", 60, 60),
        ("hour", 900, 3_600),
        ("day", 9_000, 86_400),
    ]


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        (RATES, "5 a second, 60 a minute, 900 an hour, 9,000 a day"),
        ({"rate_per_hour": 900}, "900 an hour"),
        ({}, None),
    ],
)
def test_price_list_names_the_windows_that_are_set(
    rates: dict[str, int], words: str | None
) -> None:
    version = make_plan(price=make_price(**rates)).versions.get(is_current=True)

    text = " ".join(render_to_string("pricing/_price.html", {"price": summary_of(version)}).split())

    assert set(RATE_FIELDS) == set(RATES)
    assert {name: getattr(draft_of(version), name) for name in rates} == rates
    assert ("Rate limits" in text) == (words is not None)
    assert words is None or words in text.replace(" ,", ",")
