"""Budgets: what they cost, when they tell, whom, and how they are made, changed and archived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from apps.accounts.models import Membership
from apps.accounts.services import advance_clock
from apps.billing.models import Invoice
from apps.billing.services.periods import begin_closing, close_period, finish_closing
from apps.core import clock
from apps.core.clock import Period
from apps.core.exceptions import DomainError
from apps.core.models import AuditEvent
from apps.core.money import Money
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification, WebhookEvent
from apps.subscriptions.models import Subscription
from apps.usage.budget_alerts import look_at_all_budgets
from apps.usage.budget_standings import standings_of
from apps.usage.costs import CostQuestion, span_costs
from apps.usage.enums import BudgetPeriod
from apps.usage.models import Budget, BudgetAlert, UsageWindow
from apps.usage.services.budgeting import (
    BudgetDraft,
    archive_budget,
    change_budget,
    create_budget,
)
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.billing import make_billed_subscription, make_calls, make_running_subscription
from tests.factories.direct import add_window
from tests.factories.notifications import WebhookEndpointFactory
from tests.factories.pricing import SYSTEM

pytestmark = pytest.mark.django_db

PAGE = "/console/usage/budgets/"
REST = "/api/v1/usage/budgets"


def day(month: int, number: int) -> datetime:
    return datetime(2025, month, number, tzinfo=UTC)


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership) -> Subscription:
    """It began yesterday: 10.00 a month, 1 000 calls free, then 0.01 a call."""
    return make_running_subscription(consumer=consumer.organization)


def use(subscription: Subscription, calls: int) -> None:
    """Set what has been counted, and look."""
    UsageWindow.objects.filter(subscription=subscription).delete()
    add_window(subscription, at=clock.now().replace(minute=0, second=0, microsecond=0), calls=calls)
    look_at_all_budgets()


def make_budget(consumer: Membership, **fields: Any) -> Budget:
    draft = BudgetDraft(**{"name": "Search", "amount": Money(2000, "USD"), **fields})
    return create_budget(organization=consumer.organization, draft=draft, actor=SYSTEM)


def of_period(consumer: Membership, subscription: Subscription, **fields: Any) -> Budget:
    """A budget of the subscription's billing period, without thresholds of what is expected."""
    return make_budget(
        consumer,
        **{
            "subscription": subscription,
            "period": BudgetPeriod.BILLING_PERIOD,
            "projected_thresholds": [],
            **fields,
        },
    )


def told(consumer: Membership) -> list[tuple[str, int]]:
    rows = Notification.objects.filter(user=consumer.user, kind__startswith="usage.budget")
    return [(row.kind, row.context["percent"]) for row in rows.order_by("id")]


class TestCostOfSpans:
    """Calendar months cut billing periods in two."""

    def ask(self, subscription: Subscription, span: Period, at: datetime) -> tuple[str, str]:
        question = CostQuestion(subscription.consumer_organization_id, span, at, "USD")
        found = span_costs([question])[question]
        return str(found.so_far.amount), str(found.projected.amount)

    @pytest.fixture
    def anchored(self, consumer: Membership) -> Subscription:
        """From January 15: 3 000 calls on January 20, 5 000 on February 10."""
        row = make_billed_subscription(
            consumer=consumer.organization, anchor=day(1, 15), started_at=day(1, 15)
        )
        add_window(row, at=day(1, 20), calls=3000)
        add_window(row, at=day(2, 10), calls=5000)
        return row

    def test_months_add_up_to_the_invoice(self, anchored: Subscription) -> None:
        january, february = Period(day(1, 1), day(2, 1)), Period(day(2, 1), day(3, 1))
        assert self.ask(anchored, january, day(1, 16))[0] == "10.00"
        assert self.ask(anchored, january, day(2, 1)) == ("30.00", "30.00")
        # The rest of the first period, 50.00, and nothing of the second one yet.
        assert self.ask(anchored, february, day(2, 15))[0] == "50.00"
        (period,) = anchored.periods.all()
        begin_closing(period=period, actor=SYSTEM)
        assert self.ask(anchored, february, day(2, 20))[0] == "60.00"  # and the next base fee
        close_period(period=period, actor=SYSTEM)
        finish_closing(actor=SYSTEM)
        assert Invoice.objects.get(lines__period=period, lines__position=1).subtotal_minor == 8000

    def test_what_comes_is_expected_at_the_pace_of_the_week(self, anchored: Subscription) -> None:
        # On January 22 the pace is 3 000 calls in 7 days; ten more days bring 4 285.
        january = Period(day(1, 1), day(2, 1))
        assert self.ask(anchored, january, day(1, 22)) == ("30.00", "72.86")
        # On February 11 it is 5 000 in 7 days: 10 857 in the first period, of which 20.00 and the fee were January's;
        # then the next base fee, and 10 000 calls in the 14 days of the second period that are February's.
        february = Period(day(2, 1), day(3, 1))
        assert self.ask(anchored, february, day(2, 11)) == ("50.00", "174.29")

    def test_other_currencies_are_named_and_not_converted(self, anchored: Subscription) -> None:
        january = Period(day(1, 1), day(2, 1))
        question = CostQuestion(anchored.consumer_organization_id, january, day(1, 20), "EUR")
        found = span_costs([question])[question]
        assert (found.so_far, found.left_out) == (Money(0, "EUR"), frozenset({"USD"}))

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries(
        self, consumer: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        rows = [make_billed_subscription(consumer=consumer.organization) for _ in range(count)]
        at, span = day(1, 20), Period(day(1, 10), day(2, 10))
        questions = [
            CostQuestion(consumer.organization_id, span, at, "USD", subscription_id=row.pk)
            for row in rows
        ]
        with django_assert_num_queries(10):
            span_costs(questions)


class TestTelling:
    """Each threshold once, to whom, by which ways."""

    def test_each_threshold_is_told_once_before_any_invoice(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        WebhookEndpointFactory(organization=consumer.organization)
        budget = of_period(consumer, subscription)
        for calls in (0, 1000, 1600, 1700, 2000, 2500):
            use(subscription, calls)
            look_at_all_budgets()

        assert told(consumer) == [
            ("usage.budget_used", 50),
            ("usage.budget_used", 80),
            ("usage.budget_reached", 100),
        ]
        assert not Invoice.objects.exists()
        assert [alert.used for alert in budget.alerts.order_by("id")] == [10, 16, 20]
        events = WebhookEvent.objects.filter(type="budget.threshold_reached").order_by("id")
        assert [event.data["threshold_percent"] for event in events] == [50, 80, 100]
        assert events[2].data["used_minor"] == 2000
        assert events[2].data["budget_id"] == budget.public_id
        drain_until_empty()
        assert any("Search" in message.subject for message in mail.outbox)

    def test_a_jump_tells_the_highest_only(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        of_period(consumer, subscription)
        use(subscription, 9000)
        assert told(consumer) == [("usage.budget_reached", 100)]

    def test_what_is_expected_is_told_before_it_is_used(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        of_period(consumer, subscription, amount=Money(10000, "USD"), projected_thresholds=[100])
        use(subscription, 1500)
        assert told(consumer) == [("usage.budget_expected", 100)]
        alert = BudgetAlert.objects.get()
        assert alert.is_projected
        assert alert.used > 100
        use(subscription, 11_000)  # 105.00: what was expected has come
        assert told(consumer)[1:] == [("usage.budget_reached", 100)]

    def test_another_amount_is_told_anew(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        budget = of_period(consumer, subscription)
        use(subscription, 2000)
        draft = BudgetDraft(
            name="More",
            amount=Money(2500, "USD"),
            subscription=subscription,
            period=BudgetPeriod.BILLING_PERIOD,
            projected_thresholds=[],
        )
        change_budget(budget=budget, draft=draft, actor=SYSTEM)
        drain_until_empty()
        assert told(consumer) == [("usage.budget_reached", 100), ("usage.budget_used", 80)]

    def test_only_the_chosen_roles_are_told(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        developer = make_member("developer", organization=consumer.organization)
        of_period(consumer, subscription, roles=["developer"])
        use(subscription, 2000)
        assert told(consumer) == []
        assert told(developer) == [("usage.budget_reached", 100)]

    def test_counted_calls_ask_for_a_look_and_looks_are_coalesced(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        budget = make_budget(
            consumer,
            amount=None,
            quantity=Decimal(4),
            thresholds=[50, 100],
            projected_thresholds=[],
        )
        drain_until_empty()
        start = clock.now() - timedelta(seconds=30)
        Budget.objects.update(looked_at=None)
        make_calls(subscription, *[start] * 2)
        drain_until_empty()
        assert told(consumer) == [("usage.budget_used", 50)]
        make_calls(subscription, *[start] * 2)
        drain_until_empty()
        assert len(told(consumer)) == 1  # a moment ago; the job's turn
        look_at_all_budgets()
        assert told(consumer)[1:] == [("usage.budget_reached", 100)]
        budget.refresh_from_db()
        assert budget.looked_at is not None

    def test_moved_clock_begins_another_month(self) -> None:
        sandbox = OrganizationFactory(is_sandbox=True)
        consumer = make_member("owner", organization=sandbox)
        row = make_running_subscription(consumer=sandbox)
        budget = make_budget(consumer, amount=None, quantity=Decimal(10), projected_thresholds=[])
        use(row, 10)
        assert told(consumer) == [("usage.budget_reached", 100)]
        advance_clock(organization=sandbox, actor=SYSTEM, by=timedelta(days=32))
        drain_until_empty()
        budget.organization.refresh_from_db()
        assert standings_of([budget])[budget.pk].used == 0
        assert len(told(consumer)) == 1

    @pytest.mark.parametrize("count", [1, 3])
    def test_looking_takes_the_same_queries_for_any_number(
        self,
        consumer: Membership,
        subscription: Subscription,
        count: int,
        django_assert_num_queries: Any,
    ) -> None:
        for _ in range(count):
            of_period(consumer, subscription, amount=Money(10**9, "USD"))
            make_budget(consumer, amount=None, quantity=Decimal(10**9))
        with django_assert_num_queries(15):
            look_at_all_budgets()


class TestMaking:
    """Rules, audit, and what a refusal leaves."""

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"name": " "}, "name"),
            ({"amount": None}, "amount"),
            ({"quantity": Decimal(5)}, "amount"),
            ({"amount": Money(0, "USD")}, "amount"),
            ({"amount": None, "quantity": Decimal(-1)}, "quantity"),
            ({"period": "billing_period"}, "period"),
            ({"period": "year"}, "period"),
            ({"thresholds": [0]}, "thresholds"),
            ({"thresholds": [], "projected_thresholds": []}, "thresholds"),
            ({"projected_thresholds": [5000]}, "projected_thresholds"),
            ({"roles": []}, "roles"),
        ],
    )
    def test_rules(self, consumer: Membership, fields: dict[str, Any], field: str) -> None:
        with pytest.raises(DomainError) as refusal:
            make_budget(consumer, **fields)
        assert refusal.value.field == field
        assert not Budget.objects.exists()
        assert not AuditEvent.objects.filter(action__startswith="usage:budget").exists()

    def test_another_tenants_subscription_is_refused(self, consumer: Membership) -> None:
        other = make_running_subscription(consumer=OrganizationFactory())
        with pytest.raises(DomainError) as refusal:
            make_budget(consumer, subscription=other)
        assert refusal.value.field == "subscription_id"

    def test_every_move_is_audited(self, consumer: Membership) -> None:
        budget = make_budget(consumer)
        change_budget(
            budget=budget, draft=BudgetDraft(name="New", amount=Money(5, "USD")), actor=SYSTEM
        )
        archive_budget(budget=budget, actor=SYSTEM)
        with pytest.raises(DomainError) as refusal:
            archive_budget(budget=budget, actor=SYSTEM)
        assert refusal.value.code == "budget_is_archived"
        actions = AuditEvent.objects.filter(action__startswith="usage:budget").order_by("id")
        assert [row.action.rpartition(":")[2] for row in actions] == [
            "created",
            "changed",
            "archived",
        ]
        assert look_at_all_budgets() == 0

    def test_rows_hold_money_or_a_quantity(self, consumer: Membership) -> None:
        for fields in ({}, {"amount_minor": 5, "currency": "USD", "quantity": 5}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Budget.objects.create(organization=consumer.organization, name="x", **fields)


class TestRest:
    """`/api/v1/usage/budgets`."""

    def test_is_made_changed_and_archived(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        rest = api_client(consumer)
        body = {
            "name": "Search",
            "amount": {"amount_minor": 2000, "currency": "USD"},
            "subscription_id": subscription.public_id,
            "period": "billing_period",
        }
        made = rest.post(REST, body, format="json")
        assert made.status_code == 201, made.content
        path = f"{REST}/{made.json()['id']}"
        standing = made.json()["standing"]
        assert (standing["used"]["amount_minor"], standing["percent_used"]) == (1000, 50)
        assert made.json()["thresholds"] == [50, 80, 100]

        body = {"name": "Calls", "quantity": "500", "api_id": subscription.api.public_id}
        changed = rest.put(path, body, format="json").json()
        assert (changed["amount"], changed["quantity"], changed["api_id"]) == (
            None,
            "500",
            subscription.api.public_id,
        )
        drain_until_empty()
        assert rest.get(f"{path}/alerts").json()["data"] == []
        assert rest.delete(path).json()["standing"] is None
        assert rest.delete(path).status_code == 409
        assert rest.get(REST).json()["data"] == []

    def test_refusals_name_the_field(self, consumer: Membership) -> None:
        rest = api_client(consumer)
        base = {"name": "x", "amount": {"amount_minor": 1, "currency": "USD"}}
        for more, status in (
            ({"subscription_id": "sub_nope"}, 422),
            ({"api_id": "api_nope"}, 422),
            ({"thresholds": ["a"]}, 400),
            ({"amount": {"amount_minor": 1.5, "currency": "USD"}}, 400),
        ):
            answer = rest.post(REST, {**base, **more}, format="json")
            assert answer.status_code == status
            assert next(iter(more)) in answer.content.decode()

    def test_another_tenants_budget_does_not_exist(self, consumer: Membership) -> None:
        budget = make_budget(make_member("owner"))
        rest = api_client(consumer)
        for path in (f"{REST}/{budget.public_id}", f"{REST}/{budget.public_id}/alerts"):
            assert rest.get(path).status_code == 404
        assert client_for(consumer).get(f"{PAGE}{budget.public_id}/").status_code == 404

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_takes_the_same_queries_for_any_number(
        self,
        consumer: Membership,
        subscription: Subscription,
        count: int,
        django_assert_num_queries: Any,
    ) -> None:
        for _ in range(count):
            of_period(consumer, subscription)
            make_budget(consumer, amount=None, quantity=Decimal(5))
        rest = api_client(consumer)
        with django_assert_num_queries(13):
            assert len(rest.get(REST).json()["data"]) == 2 * count


class TestPages:
    """`/console/usage/budgets/`."""

    def test_from_nothing_to_a_budget_and_back(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        browser = client_for(consumer)
        assert "No budgets yet" in browser.get(PAGE).content.decode()
        form = {
            "name": "Search",
            "scope": subscription.public_id,
            "measure": "money:USD",
            "bound": "20",
            "period": "billing_period",
            "thresholds": "50, 100",
            "projected_thresholds": "",
            "roles": ["owner"],
        }
        wrong = browser.post(f"{PAGE}new/", {**form, "scope": ""})
        assert wrong.status_code == 422
        assert "Only one subscription has a billing period" in wrong.content.decode()
        assert browser.post(f"{PAGE}new/", {**form, "bound": "20.001"}).status_code == 422
        assert browser.post(f"{PAGE}new/", {**form, "thresholds": "half"}).status_code == 422
        made = browser.post(f"{PAGE}new/", form, follow=True)
        text = made.content.decode()
        assert "$10.00 of $20.00" in text
        assert "Day by day" in text
        budget = Budget.objects.get()
        assert "$10.00" in browser.get(PAGE).content.decode()

        edit = f"{PAGE}{budget.public_id}/edit/"
        assert 'value="20.00"' in browser.get(edit).content.decode()
        changed = browser.post(edit, {**form, "bound": "8"}, follow=True).content.decode()
        assert "Set a spend cap to stop calls" in changed
        archive = f"{PAGE}{budget.public_id}/archive/"
        assert "Nobody is told" in browser.get(archive).content.decode()
        assert "No budgets yet" in browser.post(archive, follow=True).content.decode()
        assert "Archived" in browser.get(f"{PAGE}{budget.public_id}/").content.decode()

    def test_earlier_months_are_shown(self, consumer: Membership) -> None:
        began = clock.now() - timedelta(days=70)
        row = make_billed_subscription(
            consumer=consumer.organization, anchor=began, started_at=began
        )
        consumer.organization.created_at = began
        consumer.organization.save()
        add_window(row, at=began + timedelta(days=1), calls=1500)
        budget = make_budget(consumer)
        browser = client_for(consumer)
        page = browser.get(f"{PAGE}{budget.public_id}/")
        past = page.context["past"]
        assert len(past) >= 2
        assert sum(item.used for item in past) >= 15

    @pytest.mark.parametrize("count", [1, 3])
    def test_pages_take_the_same_queries_for_any_number(
        self,
        consumer: Membership,
        subscription: Subscription,
        count: int,
        django_assert_num_queries: Any,
    ) -> None:
        for _ in range(count):
            budget = of_period(consumer, subscription)
        browser = client_for(consumer)
        browser.get(PAGE)
        with django_assert_num_queries(17):
            browser.get(PAGE)
        with django_assert_num_queries(28):
            browser.get(f"{PAGE}{budget.public_id}/")
