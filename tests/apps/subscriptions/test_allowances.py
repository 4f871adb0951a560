"""Extra calls and spend caps: what they change, what they refuse, and what the gateway is told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.core import clock
from apps.core.clock import Period
from apps.core.exceptions import DomainError
from apps.core.models import AuditEvent
from apps.core.money import Money
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from apps.pricing.selectors import price_table_of
from apps.subscriptions.models import QuotaTopUp, SpendCap, Subscription
from apps.subscriptions.selectors import current_period, quota_standing
from apps.subscriptions.services import (
    cancel_subscription,
    remove_spend_cap,
    set_spend_cap,
    top_up_quota,
)
from apps.subscriptions.spend import waived_calls
from tests.factories.direct import add_window
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def usd(amount: str) -> Money:
    return Money.from_decimal(Decimal(amount), "USD")


def entry_quota(subscription: Subscription) -> dict[str, Any]:
    row = RegistryEntry.objects.get(kind=EntryKind.SUBSCRIPTION, key=subscription.public_id)
    assert row.payload is not None
    quota: dict[str, Any] = row.payload["quota"]
    return quota


@pytest.fixture
def subscription() -> Subscription:
    """9.00 a month, 1 000 calls free, then 0.002 up to 10 000 beyond; a hard quota of 10 000."""
    return make_subscription()


class TestTopUp:
    def test_raises_the_limit_of_this_period_only(self, subscription: Subscription) -> None:
        top_up_quota(subscription=subscription, calls=500, reason="launch day", actor=SYSTEM)
        top_up_quota(subscription=subscription, calls=20, reason="once more", actor=SYSTEM)

        subscription.refresh_from_db()
        standing = quota_standing(subscription)
        assert (standing.limit, standing.remaining) == (10_520, 10_520)
        quota = entry_quota(subscription)
        assert quota["limit"] == 10_000
        assert [period["extra"] for period in quota["periods"]] == [520, 0]
        audit = AuditEvent.objects.filter(action="subscriptions:quota:topped_up").latest("id")
        assert (audit.reason, audit.after["calls"]) == ("once more", 20)

    @pytest.mark.parametrize(
        ("calls", "reason", "field"),
        [(0, "why", "calls"), (10**13, "why", "calls"), (1, " ", "reason")],
    )
    def test_refusals_name_the_field_and_save_nothing(
        self, subscription: Subscription, calls: int, reason: str, field: str
    ) -> None:
        with pytest.raises(DomainError) as refusal:
            top_up_quota(subscription=subscription, calls=calls, reason=reason, actor=SYSTEM)
        assert refusal.value.field == field
        assert not QuotaTopUp.objects.exists()

    def test_needs_a_quota_and_a_running_subscription(self, subscription: Subscription) -> None:
        endless = make_subscription(plan=make_plan(price=make_price(quota_calls=None)))
        cancel_subscription(subscription=subscription, actor=SYSTEM, reason="")
        for row, code in ((endless, "no_quota"), (subscription, "subscription_ended")):
            with pytest.raises(DomainError) as refusal:
                top_up_quota(subscription=row, calls=1, reason="why", actor=SYSTEM)
            assert refusal.value.error_code == code


class TestSpendCap:
    def test_becomes_a_number_of_calls_at_the_gateway(self, subscription: Subscription) -> None:
        # 9.00 are due anyway; 2.00 buy 1 000 calls beyond the 1 000 free ones, and half a cent rounds down.
        set_spend_cap(subscription=subscription, amount=usd("11.00"), actor=SYSTEM)
        assert entry_quota(subscription)["spend_calls"] == 2002

        set_spend_cap(subscription=subscription, amount=usd("9.00"), actor=SYSTEM)
        assert entry_quota(subscription)["spend_calls"] == 1002
        assert SpendCap.objects.filter(removed_at__isnull=True).count() == 1

        remove_spend_cap(subscription=subscription, actor=SYSTEM)
        assert entry_quota(subscription)["spend_calls"] is None
        actions = AuditEvent.objects.filter(action__startswith="subscriptions:spend_cap:")
        assert [row.action.rpartition(":")[2] for row in actions.order_by("id")] == [
            "set",
            "set",
            "removed",
        ]

    @pytest.mark.parametrize(
        ("amount", "code", "field"),
        [
            (Money(5000, "EUR"), "rule_violated", "currency"),
            (Money(899, "USD"), "spend_cap_below_fees", "amount"),
            (Money(-1, "USD"), "rule_violated", "amount"),
        ],
    )
    def test_refusals_name_the_field_and_save_nothing(
        self, subscription: Subscription, amount: Money, code: str, field: str
    ) -> None:
        with pytest.raises(DomainError) as refusal:
            set_spend_cap(subscription=subscription, amount=amount, actor=SYSTEM)
        assert (refusal.value.error_code, refusal.value.field) == (code, field)
        assert not SpendCap.objects.exists()

    def test_nothing_to_remove_is_a_conflict(self, subscription: Subscription) -> None:
        with pytest.raises(DomainError) as refusal:
            remove_spend_cap(subscription=subscription, actor=SYSTEM)
        assert refusal.value.error_code == "no_spend_cap"

    def test_remembers_the_calls_that_had_passed(self, subscription: Subscription) -> None:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        add_window(subscription, at=hour, calls=40)
        cap = set_spend_cap(subscription=subscription, amount=usd("9.00"), actor=SYSTEM)
        assert cap.used_when_set == 40


class TestWaiving:
    """What a closed period does not charge."""

    def waived(self, subscription: Subscription, counted: int) -> int:
        return int(
            waived_calls(
                caps=list(subscription.spend_caps.all()),
                table=price_table_of(subscription.price_version),
                period=current_period(subscription),
                counted=Decimal(counted),
            )
        )

    def cap(self, subscription: Subscription, amount: str, **fields: Any) -> SpendCap:
        period: Period = current_period(subscription)
        money = usd(amount)
        return SpendCap.objects.create(
            subscription=subscription,
            amount_minor=money.amount_minor,
            currency="USD",
            **{"set_at": period.start + timedelta(days=1), **fields},
        )

    def test_only_what_lies_beyond_the_cap(self, subscription: Subscription) -> None:
        assert self.waived(subscription, 5000) == 0
        self.cap(subscription, "11.00")
        assert [self.waived(subscription, calls) for calls in (2002, 2003, 2100)] == [0, 1, 98]

    def test_calls_before_the_cap_was_set_are_charged(self, subscription: Subscription) -> None:
        self.cap(subscription, "11.00", used_when_set=3000)
        assert self.waived(subscription, 3005) == 5

    def test_the_highest_cap_of_the_period_counts(self, subscription: Subscription) -> None:
        start = current_period(subscription).start
        day = timedelta(days=1)
        self.cap(subscription, "13.00", set_at=start - day, removed_at=start + 3 * day)
        self.cap(subscription, "11.00", set_at=start + 3 * day)
        assert self.waived(subscription, 3010) == 8

    def test_without_a_cap_at_the_end_nothing_is_waived(self, subscription: Subscription) -> None:
        start = current_period(subscription).start
        self.cap(subscription, "11.00", removed_at=start + timedelta(days=2))
        assert self.waived(subscription, 9000) == 0

    def test_a_cap_of_the_next_period_does_not_count(self, subscription: Subscription) -> None:
        self.cap(subscription, "11.00", set_at=current_period(subscription).end)
        assert self.waived(subscription, 9000) == 0
