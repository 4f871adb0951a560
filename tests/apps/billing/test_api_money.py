"""Cards, tax details, periods, the estimate and earnings over REST; who may do what."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.accounts.models import Membership
from apps.billing.enums import EarningStatus
from apps.billing.models import BillingAccount, BillingPeriod, Earning, Invoice, PaymentMethod
from apps.billing.services.rating import rate_period
from apps.billing.webhook_endpoint import register_webhook_endpoint
from apps.core import clock
from apps.core.clock import Period
from apps.core.models import AuditEvent, JobRun, OutboxMessage
from apps.core.relay import drain_until_empty
from apps.usage.services import close_usage
from tests.apps.billing.conftest import signed_post
from tests.clients import api_client
from tests.deploy.conftest import StripeSystem
from tests.factories.accounts import OrganizationFactory, make_member, make_staff
from tests.factories.billing import (
    make_billed_subscription,
    make_invoice,
    make_method,
    make_paid_invoice,
    make_running_subscription,
)

pytestmark = pytest.mark.django_db

BILLING = "/api/v1/billing"
METHODS = f"{BILLING}/payment-methods"


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


class TestMethods:
    """Saved cards."""

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_takes_the_same_queries_for_any_number(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_method(owner.organization)
        make_method(OrganizationFactory())
        rest = api_client(owner)

        with django_assert_num_queries(1):
            rows = rest.get(METHODS).json()["data"]

        assert [row["last_four"] for row in rows] == ["4242"] * count

    @pytest.mark.usefixtures("payments")
    def test_card_is_saved_and_becomes_the_default(self, owner: Membership) -> None:
        make_method(owner.organization, is_default=True)

        answer = api_client(owner).post(
            METHODS, {"method_reference": "pm_card_mastercard"}, format="json"
        )

        assert answer.status_code == 201
        assert (answer.json()["brand"], answer.json()["is_default"]) == ("mastercard", True)
        assert PaymentMethod.objects.filter(is_default=True).count() == 1

    @pytest.mark.usefixtures("payments")
    def test_refused_card_is_named_by_its_field(self, owner: Membership) -> None:
        answer = api_client(owner).post(
            METHODS, {"method_reference": "pm_card_chargeDeclined"}, format="json"
        )

        assert (answer.status_code, answer.json()["code"]) == (422, "payment_method_refused")
        assert not PaymentMethod.objects.exists()

    def test_reference_of_another_kind_is_refused(self, owner: Membership) -> None:
        answer = api_client(owner).post(METHODS, {"method_reference": "card_1"}, format="json")
        assert answer.status_code == 400

    def test_removed_card_is_detached_and_the_newest_other_follows(
        self, owner: Membership, payments: StripeSystem
    ) -> None:
        rest = api_client(owner)
        old = make_method(owner.organization)
        added = rest.post(METHODS, {"method_reference": "pm_card_visa"}, format="json").json()

        assert rest.delete(f"{METHODS}/{added['id']}").status_code == 204
        drain_until_empty()

        assert [row["id"] for row in rest.get(METHODS).json()["data"]] == [old.public_id]
        old.refresh_from_db()
        assert old.is_default
        at_stripe = payments.v1.payment_methods.retrieve(added["provider_reference"])
        assert at_stripe.customer is None
        assert rest.delete(f"{METHODS}/{added['id']}").status_code == 404

    def test_other_tenants_card_does_not_exist(self, owner: Membership) -> None:
        method = make_method(OrganizationFactory())

        assert api_client(owner).delete(f"{METHODS}/{method.public_id}").status_code == 404
        method.refresh_from_db()
        assert method.detached_at is None

    @pytest.mark.usefixtures("payments")
    def test_card_entered_on_the_hosted_page_is_saved_by_the_webhook(
        self,
        owner: Membership,
        deliver_webhooks: Callable[[], list[int]],
    ) -> None:
        rest = api_client(owner)
        page = rest.post(f"{METHODS}/setup-session", {}, format="json").json()["url"]
        card = {"number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
        assert httpx.post(page, data=card, trust_env=False).status_code == 303

        for _time in range(2):
            deliver_webhooks()
            drain_until_empty()

        (saved,) = rest.get(METHODS).json()["data"]
        assert (saved["brand"], saved["last_four"]) == ("visa", "4242")
        assert saved["is_default"]

    @pytest.mark.usefixtures("payments")
    def test_removed_card_stays_removed_when_its_webhook_comes_again(
        self,
        owner: Membership,
        deliver_webhooks: Callable[[], list[int]],
    ) -> None:
        rest = api_client(owner)
        added = rest.post(METHODS, {"method_reference": "pm_card_visa"}, format="json").json()
        rest.delete(f"{METHODS}/{added['id']}")

        deliver_webhooks()
        drain_until_empty()

        assert rest.get(METHODS).json()["data"] == []
        assert PaymentMethod.objects.count() == 1


class TestAccount:
    """Tax details."""

    def test_is_made_from_the_organization_on_first_use(self, owner: Membership) -> None:
        body = api_client(owner).get(f"{BILLING}/account").json()

        assert body["legal_name"] == owner.organization.name
        assert (body["currency"], body["address"], body["tax_id"]) == ("USD", "", "")

    def test_only_what_is_sent_changes_and_issued_invoices_stay(self, owner: Membership) -> None:
        invoice = make_invoice(consumer=owner.organization)

        answer = api_client(owner).patch(
            f"{BILLING}/account", {"address": "1 Road\nTown"}, format="json"
        )

        assert answer.json()["address"] == "1 Road\nTown"
        assert answer.json()["legal_name"] == owner.organization.name
        invoice.refresh_from_db()
        assert invoice.buyer["address"] == ""
        audit = AuditEvent.objects.get(action="billing:account:updated")
        assert audit.after["address"] == "1 Road\nTown"


class TestPeriods:
    """Periods and the estimate."""

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_takes_the_same_queries_for_any_number(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_running_subscription(consumer=owner.organization)
        make_billed_subscription()
        rest = api_client(owner)

        with django_assert_num_queries(1):
            rows = rest.get(f"{BILLING}/periods").json()["data"]

        assert [(row["number"], row["status"]) for row in rows] == [(0, "open")] * count

    @pytest.mark.parametrize("count", [1, 3])
    def test_estimate_rates_what_is_counted(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_running_subscription(consumer=owner.organization, calls=1500)
        rest = api_client(owner)

        with django_assert_num_queries(9):
            body = rest.get(f"{BILLING}/estimate").json()

        (total,) = body["totals"]
        for period in body["periods"]:
            base, calls = period["lines"]
            assert (base["name"], calls["quantity"]) == ("Base fee", "1500")
            assert calls["amount"]["amount_minor"] == 500
            assert calls["projected"]["amount_minor"] > 500
            assert base["projected"] == base["amount"]
        assert total["so_far"]["amount_minor"] == sum(
            period["so_far"]["amount_minor"] for period in body["periods"]
        )

    def test_estimate_becomes_the_invoice(self, owner: Membership) -> None:
        """Rated at the end of the period, the estimate is what the invoice says."""
        subscription = make_running_subscription(consumer=owner.organization, calls=2345)
        before = api_client(owner).get(f"{BILLING}/estimate").json()["totals"][0]["so_far"]
        consumer = subscription.consumer_organization
        consumer.is_sandbox, consumer.clock_offset = True, timedelta(days=62)
        consumer.save()

        period = BillingPeriod.objects.get(subscription=subscription)
        usage = close_usage(
            subscription=subscription,
            period=Period(period.period_start, period.period_end),
            complete_after=clock.now() - timedelta(days=2),
        )
        run = rate_period(period=period, usage=usage)

        rated = sum(round(charge.amount * 100) for charge in run.charges.all())
        assert before["amount_minor"] == rated

    def test_estimate_without_subscriptions_is_empty(self, owner: Membership) -> None:
        assert api_client(owner).get(f"{BILLING}/estimate").json() == {"totals": [], "periods": []}


class TestEarnings:
    """The provider's side."""

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_takes_the_same_queries_for_any_number(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_paid_invoice(consumer=OrganizationFactory(), provider=owner.organization)
        make_paid_invoice(consumer=owner.organization)
        rest = api_client(owner)

        with django_assert_num_queries(1):
            rows = rest.get("/api/v1/earnings").json()["data"]

        assert sorted(row["net"]["amount_minor"] for row in rows) == [800] * count + [3200] * count

    def test_totals_stand_by_currency_and_sandbox(self, owner: Membership) -> None:
        make_paid_invoice(consumer=OrganizationFactory(), provider=owner.organization)
        make_paid_invoice(
            consumer=OrganizationFactory(is_sandbox=True), provider=owner.organization
        )
        Earning.objects.filter(is_sandbox=True).update(available_at=clock.now() - timedelta(days=1))
        Earning.objects.filter(is_sandbox=False, gross_minor=1000).update(status=EarningStatus.PAID)

        live, sandbox = api_client(owner).get("/api/v1/earnings/totals").json()["data"]

        assert not live["is_sandbox"]
        amounts = {
            name: live[name]["amount_minor"] for name in ("gross", "fees", "accrued", "paid")
        }
        assert amounts == {"gross": 5000, "fees": 1000, "accrued": 3200, "paid": 800}
        assert live["payable"]["amount_minor"] == 0
        assert live["next_payable_at"] is not None
        assert sandbox["is_sandbox"]
        assert (sandbox["payable"]["amount_minor"], sandbox["next_payable_at"]) == (4000, None)


class TestOperator:
    """Closing by hand."""

    @pytest.mark.parametrize("role", ["finance", "operator"])
    def test_job_is_started_once_per_key(self, role: str) -> None:
        rest = api_client(make_staff(role))

        answers = [
            rest.post("/api/v1/admin/billing/close-periods", headers={"Idempotency-Key": "k"})
            for _time in range(2)
        ]

        assert [answer.status_code for answer in answers] == [202, 202]
        run = JobRun.objects.get(name="billing.close_due_periods")
        assert {answer.json()["job_id"] for answer in answers} == {run.public_id}

    @pytest.mark.parametrize("count", [1, 3])
    def test_periods_of_everybody_take_the_same_queries(
        self, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_billed_subscription()
        rest = api_client(make_staff("finance"))

        with django_assert_num_queries(1):
            rows = rest.get("/api/v1/admin/billing/periods").json()["data"]

        assert len(rows) == count


READERS: set[str] = {Role.OWNER, Role.ADMIN, Role.BILLING}
RULES: list[tuple[str, str, set[str]]] = [
    ("get", f"{BILLING}/invoices", READERS),
    ("get", f"{BILLING}/payments", READERS),
    ("get", METHODS, READERS),
    ("post", METHODS, READERS),
    ("post", f"{METHODS}/setup-session", READERS),
    ("delete", f"{METHODS}/pmt_x", READERS),
    ("get", f"{BILLING}/account", READERS),
    ("patch", f"{BILLING}/account", READERS),
    ("get", f"{BILLING}/periods", READERS),
    ("get", f"{BILLING}/estimate", READERS),
    ("get", f"{BILLING}/invoices/inv_x", READERS),
    ("post", f"{BILLING}/invoices/inv_x/pay", READERS),
    ("get", f"{BILLING}/invoices/inv_x/lines/iln_x/proof", READERS),
    ("get", "/api/v1/earnings", READERS),
    ("get", "/api/v1/earnings/totals", READERS),
    ("post", "/api/v1/admin/billing/close-periods", set()),
    ("get", "/api/v1/admin/billing/periods", set()),
]


@pytest.mark.parametrize(("method", "path", "allowed"), RULES)
def test_only_some_roles_may(method: str, path: str, allowed: set[str]) -> None:
    assert getattr(api_client(), method)(path).status_code == 401
    for role in Role.values:
        answer = getattr(api_client(make_member(role)), method)(
            path, {"method_reference": "wrong", "return_url": "wrong"}, format="json"
        )
        assert (answer.status_code == 403) is (role not in allowed), (role, answer.status_code)


class TestWebhook:
    """The short address of the webhook."""

    PATH = "/api/billing/webhook"

    def event(self, payments: StripeSystem) -> str:
        payments.customer_with_card()
        event = payments.v1.events.list({"limit": 1}).data[0]
        return json.dumps(event.to_dict(), default=str)

    def test_signed_event_is_taken_once(
        self, client: Client, payments: StripeSystem, owner: Membership
    ) -> None:
        register_webhook_endpoint()
        BillingAccount.objects.create(organization=owner.organization, currency="USD")
        make_invoice(consumer=owner.organization)
        body = self.event(payments)

        first = signed_post(client, self.PATH, body)
        waiting = OutboxMessage.objects.count()
        again = signed_post(client, self.PATH, body)

        assert (first.status_code, again.status_code) == (200, 200)
        assert OutboxMessage.objects.count() == waiting

    def test_forged_event_is_refused_and_changes_nothing(
        self, client: Client, payments: StripeSystem
    ) -> None:
        register_webhook_endpoint()
        body = self.event(payments)

        assert signed_post(client, self.PATH, body, secret="whsec_forged").status_code == 400
        assert client.post(self.PATH, body, content_type="application/json").status_code == 400
        assert not OutboxMessage.objects.exists()
        assert not Invoice.objects.exists()

    def test_replayed_payment_pays_once(
        self, client: Client, payments: StripeSystem, owner: Membership
    ) -> None:
        register_webhook_endpoint()
        rest = api_client(owner)
        rest.post(METHODS, {"method_reference": "pm_card_visa"}, format="json")
        invoice = make_invoice(consumer=owner.organization)
        rest.post(f"{BILLING}/invoices/{invoice.public_id}/pay")
        events = payments.v1.events.list({"limit": 100}).data
        paid = next(event for event in events if event.type == "payment_intent.succeeded")
        body = json.dumps(paid.to_dict(), default=str)

        for _time in range(3):
            assert signed_post(client, self.PATH, body).status_code == 200
            drain_until_empty()

        invoice.refresh_from_db()
        assert (invoice.status, invoice.paid_minor) == ("paid", 5000)
        assert AuditEvent.objects.filter(action="billing:invoice:paid").count() == 1
        assert Earning.objects.count() == 2
