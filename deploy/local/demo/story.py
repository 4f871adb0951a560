"""The story: from an OpenAPI document to a paid invoice, step by step.

Everything goes through pages and endpoints that users have; nothing is written into the database. At the end the bill is
proven: calls answered 200 are the events billed, and the total is computed again from the events.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final, Self

import httpx

from deploy.local.demo.person import Person, StoryError, wait_for
from deploy.local.demo.progress import Progress
from deploy.local.demo.traffic import Call, TrafficResult, make_calls, plan_calls
from deploy.local.state import PROJECT

CALLS: Final = 3_000
BAD_KEYS: Final = 60
LIMITED_CALLS: Final = 140
KEY_NAMES: Final = ("Website", "Mobile app", "Nightly export")
LIMITED_PER_MINUTE: Final = 60
STEPS: Final = 17
BASE_FEE: Final = Decimal(10)
# (previous bound, bound], price of one call.
TIERS: Final = ((1_000, Decimal(0)), (10_000, Decimal("0.01")), (None, Decimal("0.005")))
CENT: Final = Decimal("0.01")
CURRENCY: Final = "USD"
AFTER_PERIOD: Final = timedelta(minutes=30)
DOMAIN: Final = "demo.example"

__all__ = ("DemoResult", "Story", "StoryError")


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can be tried out."""

    role: str
    address: str
    password: str


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the summary shows."""

    portal: str
    gateway: str
    logins: tuple[Login, ...]
    curl: str
    statuses: Mapping[int, int]
    events_billed: int
    invoice_number: str
    invoice_url: str
    invoice_total: Decimal
    recomputed_total: Decimal
    currency: str
    payment_reference: str
    earned: Decimal

    @property
    def answered_200(self) -> int:
        """How many calls were answered 200."""
        return self.statuses.get(httpx.codes.OK, 0)

    @property
    def is_proven(self) -> bool:
        """Whether exactly the calls answered 200 were billed, at the price that they cost."""
        return (
            self.answered_200 == self.events_billed and self.invoice_total == self.recomputed_total
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the story has come to know when the bill is to be proven."""

    api: dict[str, Any]
    subscription: dict[str, Any]
    keys: list[dict[str, Any]]
    traffic: TrafficResult
    limited: TrafficResult
    invoice: dict[str, Any]
    earned: Decimal


def price_of(calls: int) -> Decimal:
    """Return what the plan costs for a month of calls: computed here on its own, from the tiers above."""
    total, lower = BASE_FEE, 0
    for bound, price in TIERS:
        upper = calls if bound is None else min(calls, bound)
        total += max(upper - lower, 0) * price
        lower = max(lower, upper)
    return total.quantize(CENT, rounding=ROUND_HALF_UP)


class Story:
    """One playing of the demo."""

    def __init__(self, environment: Mapping[str, str], progress: Progress) -> None:
        """Read where the stack is."""
        self.environment = environment
        self.portal = environment["PUBLIC_URL"]
        self.gateway = environment["GATEWAY_URL"]
        self.upstream = f"http://{environment['UPSTREAM_BIND']}"
        self.mail = Path(environment["EMAIL_FILE_PATH"])
        self.mark = self._mark(Path(environment["TOLLGATE_STATE_DIR"]))
        self.password = secrets.token_urlsafe(12)
        self.progress = progress
        self.progress.total = STEPS
        self.provider = self._person("provider")
        self.consumer = self._person("consumer")
        self.approver = self._person("approver")

    @classmethod
    def from_environment(cls, progress: Progress) -> Self:
        """Read the launcher's environment."""
        return cls(os.environ, progress)

    @staticmethod
    def _mark(state: Path) -> str:
        """Return a suffix that no earlier, broken-off playing has used."""
        counter = state / "demo-attempts"
        number = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.write_text(str(number))
        return "" if number == 1 else f"-{number}"

    def _person(self, role: str) -> Person:
        return Person(self.portal, address=f"{role}{self.mark}@{DOMAIN}", password=self.password)

    def play(self) -> DemoResult:
        """Play it to the end.

        Raises:
            StoryError: a step did not go as promised.
            httpx.HTTPError: a process did not answer.
        """
        self.meet()
        api = self.publish()
        subscription, keys = self.subscribe(api)
        self._add_card()
        traffic, limited = self._call(api, keys)
        self._wait_for_usage(subscription, traffic.succeeded + limited.succeeded)
        self._live_through_the_month(subscription)
        invoice = self._wait_for_payment()
        return self._prove(
            Findings(
                api=api,
                subscription=subscription,
                keys=keys,
                traffic=traffic,
                limited=limited,
                invoice=invoice,
                earned=self._earnings(),
            )
        )

    # --- People -------------------------------------------------------------------------------
    def meet(self) -> None:
        step = self.progress.step
        with step("The provider signs up and confirms the mailed link"):
            self.provider.sign_up(
                name="Demo provider", organization=f"Atlas Data{self.mark}", mail_folder=self.mail
            )
        with step("The consumer signs up and opens a sandbox organization"):
            self.consumer.sign_up(name="Demo consumer", organization="", mail_folder=self.mail)
            sandbox = self.consumer.call(
                "POST", "organizations", {"name": f"Harbour Sandbox{self.mark}", "is_sandbox": True}
            )
            self.consumer.organization_id = sandbox["id"]
        with step("The operator makes an approver of the back office"):
            self._make_approver()

    def _make_approver(self) -> None:
        command = [
            *(sys.executable, "manage.py", "create_staff_user", self.approver.address),
            *("--role", "approver", "--role", "operator", "--role", "finance"),
        ]
        made = subprocess.run(
            command,
            cwd=PROJECT,
            env={**self.environment, "STAFF_PASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise StoryError(f"create_staff_user: {(made.stderr or made.stdout).strip()[-300:]}")

    # --- Publishing ---------------------------------------------------------------------------
    def publish(self) -> dict[str, Any]:
        step = self.progress.step
        with step("The provider describes an API and imports its OpenAPI document"):
            api = self._create_api()
        with step("The provider offers a plan: 1,000 calls free, then graduated"):
            self._create_plan(api)
        with step("The provider submits; the approver approves"):
            self.provider.call(
                "POST",
                f"provider/apis/{api['id']}/submit",
                headers={"Idempotency-Key": f"submit-{api['id']}"},
            )
            status = self.provider.call("GET", f"provider/apis/{api['id']}/status")
            self.approver.call(
                "POST",
                f"admin/approvals/{status['approval_id']}/approve",
                {"comment": "Upstream answers, listing is complete."},
            )
        with step("Every authorizer proves that it serves the API; it becomes active"):
            wait_for("activation of the API", lambda: self._active(api))
        return api

    def _create_api(self) -> dict[str, Any]:
        categories = self.provider.call("GET", "marketplace/categories")
        slug = f"atlas{self.mark}"
        api: dict[str, Any] = self.provider.call(
            "POST",
            "provider/apis",
            {
                "name": f"Atlas: cities and rates{self.mark}",
                "slug": slug,
                "category": _pick_category(categories),
                "upstream_url": self.upstream,
                "short_description": "Cities of the world, distances and sample exchange rates.",
                "health_path": "/healthz",
            },
        )
        self.provider.call(
            "POST", f"provider/apis/{api['id']}/openapi", {"url": f"{self.upstream}/openapi.json"}
        )
        return {**api, "slug": slug}

    def _create_plan(self, api: dict[str, Any]) -> None:
        plan = self.provider.call(
            "POST",
            "provider/plans",
            {
                "api": api["id"],
                "name": "Growth",
                "description": "For products in production. The first 1,000 calls are free.",
            },
        )
        tiers = [
            {"up_to": None if bound is None else str(bound), "unit_price": str(price)}
            for bound, price in TIERS
        ]
        self.provider.call(
            "POST",
            f"provider/plans/{plan['id']}/versions",
            {
                "currency": CURRENCY,
                "quota_calls": 100_000,
                "quota_kind": "hard",
                "rate_per_second": 400,
                "components": [
                    {
                        "meter": "base_fee",
                        "name": "Base fee",
                        "model": "flat",
                        "flat_fee": str(BASE_FEE),
                    },
                    {"meter": "calls", "name": "Calls", "model": "graduated", "tiers": tiers},
                ],
            },
        )
        self.provider.call("POST", f"provider/plans/{plan['id']}/publish")

    def _active(self, api: dict[str, Any]) -> bool | None:
        found = self.provider.call("GET", f"provider/apis/{api['id']}")
        if found["status"] == "failed":
            raise StoryError(f"the API failed: {found.get('status_reason')}")
        return True if found["status"] == "active" else None

    # --- Subscribing --------------------------------------------------------------------------
    def subscribe(self, api: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        step = self.progress.step
        with step("The consumer finds the API in the catalogue and subscribes"):
            listing = f"marketplace/apis/{api['slug']}"
            plan = _rows(self.consumer.call("GET", f"{listing}/plans"))[0]
            subscription = self.consumer.call("POST", "subscriptions", {"plan": plan["id"]})
        with step(f"{len(KEY_NAMES)} keys are made, shown once, and proven at the gateway"):
            keys = [self._create_key(subscription, name) for name in KEY_NAMES]
            wait_for("activation of the keys", lambda: self._all_active(keys))
        return subscription, keys

    def _create_key(self, subscription: dict[str, Any], name: str) -> dict[str, Any]:
        limit = {"rate_per_minute": LIMITED_PER_MINUTE} if name == KEY_NAMES[-1] else {}
        key: dict[str, Any] = self.consumer.call(
            "POST", "keys", {"subscription": subscription["id"], "name": name, **limit}
        )
        return key

    def _all_active(self, keys: list[dict[str, Any]]) -> bool | None:
        states = [self.consumer.call("GET", f"keys/{key['id']}")["status"] for key in keys]
        return True if set(states) == {"active"} else None

    def _add_card(self) -> None:
        with self.progress.step("The consumer saves a card at Stripe"):
            self.consumer.call(
                "POST", "billing/payment-methods", {"method_reference": "pm_card_visa"}
            )

    # --- Calling ------------------------------------------------------------------------------
    def _call(
        self, api: dict[str, Any], keys: list[dict[str, Any]]
    ) -> tuple[TrafficResult, TrafficResult]:
        base = f"{self.gateway}/{api['slug']}"
        open_keys = [key["secret"] for key in keys[:-1]]
        with self.progress.step(f"{CALLS + BAD_KEYS:,} calls go through the gateway"):
            calls = plan_calls(open_keys, count=CALLS, bad_keys=BAD_KEYS)
            traffic = make_calls(base, calls, self._bar("Calling"))
        text = f"{LIMITED_CALLS} more with a key limited to {LIMITED_PER_MINUTE} a minute"
        with self.progress.step(text):
            calls = [Call("/v1/currencies", keys[-1]["secret"])] * LIMITED_CALLS
            limited = make_calls(base, calls, self._bar("Calling"))
        return traffic, limited

    def _bar(self, text: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress.bar(text, done, total)

    def _wait_for_usage(self, subscription: dict[str, Any], expected: int) -> int:
        path = f"usage/windows?subscription_id={subscription['id']}"

        def look() -> int | None:
            billed = sum(int(Decimal(row["quantity"])) for row in self.consumer.pages(path))
            self.progress.bar("Metering", billed, expected)
            return billed if billed >= expected else None

        with self.progress.step("The access log is shipped; usage windows fill"):
            return wait_for("metering of every call", look, timeout_s=90)

    # --- A month later ------------------------------------------------------------------------
    def _live_through_the_month(self, subscription: dict[str, Any]) -> None:
        with self.progress.step("The sandbox's test clock moves past the end of the period"):
            found = self.consumer.call("GET", f"subscriptions/{subscription['id']}")
            end = datetime.fromisoformat(found["quota"]["period_end"])
            self.consumer.call(
                "POST",
                f"organizations/{self.consumer.organization_id}/clock",
                {"to": (end + AFTER_PERIOD).isoformat()},
            )

    def _wait_for_payment(self) -> dict[str, Any]:
        with self.progress.step("The period closes, is rated and becomes an invoice"):
            issued = wait_for("issue of the invoice", self._issued_invoice, timeout_s=90)
        with self.progress.step(
            "Stripe charges the card; its signed webhook marks the invoice paid"
        ):
            return wait_for(
                "payment of the invoice", lambda: self._paid(issued["id"]), timeout_s=60
            )

    def _issued_invoice(self) -> dict[str, Any] | None:
        invoices: list[dict[str, Any]] = _rows(self.consumer.call("GET", "billing/invoices"))
        return next((item for item in invoices if item["status"] in {"open", "paid"}), None)

    def _paid(self, invoice_id: str) -> dict[str, Any] | None:
        invoice: dict[str, Any] = self.consumer.call("GET", f"billing/invoices/{invoice_id}")
        return invoice if invoice["status"] == "paid" else None

    def _earnings(self) -> Decimal:
        earned = sum(item["net"]["amount_minor"] for item in self.provider.pages("earnings"))
        return Decimal(earned) * CENT

    # --- Proof --------------------------------------------------------------------------------
    def _prove(self, found: Findings) -> DemoResult:
        """Count the billed events one by one, and price them again without the product's calculator."""
        with self.progress.step("The bill is proven from its events"):
            events = self.consumer.pages(
                f"usage/events?subscription_id={found.subscription['id']}&limit=200"
            )
            billed = sum(event["is_billable"] for event in events)
            payments = _rows(self.consumer.call("GET", "billing/payments"))
        statuses = found.traffic.statuses + found.limited.statuses
        invoice = found.invoice
        result = DemoResult(
            portal=self.portal,
            gateway=self.gateway,
            logins=self._logins(),
            curl=f"curl -H 'X-Api-Key: {found.keys[0]['secret']}' "
            f"'{self.gateway}/{found.api['slug']}/v1/cities?country=FR'",
            statuses=dict(statuses),
            events_billed=billed,
            invoice_number=invoice["number"],
            invoice_url=f"{self.portal}/console/billing/invoices/{invoice['id']}/",
            invoice_total=Decimal(invoice["total"]["amount_minor"]) * CENT,
            recomputed_total=price_of(billed),
            currency=CURRENCY,
            payment_reference=payments[0]["provider_reference"],
            earned=found.earned,
        )
        if not result.is_proven:
            raise StoryError(
                f"the bill is wrong: {result.answered_200} calls answered 200, {billed} events billed, "
                f"invoice {result.invoice_total}, recomputed {result.recomputed_total}"
            )
        return result

    def _logins(self) -> tuple[Login, ...]:
        people = (
            ("Provider", self.provider),
            ("Consumer", self.consumer),
            ("Back office", self.approver),
        )
        return tuple(Login(role, person.address, self.password) for role, person in people)


def _pick_category(answer: Any) -> str:
    """Choose the shelf that fits geography and rates best, whatever the operator calls it."""
    slugs: list[str] = [row["slug"] for row in _rows(answer)]
    return next((slug for slug in slugs if "data" in slug or "geo" in slug), slugs[0])


def _rows(answer: Any) -> list[dict[str, Any]]:
    """Return the rows of a list, paginated or not."""
    rows: list[dict[str, Any]] = answer["data"] if isinstance(answer, dict) else answer
    return rows
