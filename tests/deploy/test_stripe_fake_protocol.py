"""Keys, errors, idempotency, pagination, expansion, restart: what every Stripe call relies on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from deploy.local.stripe_fake.server import StripeServer
from tests.deploy.conftest import TEST_KEY, StripeSystem, make_client


def post(system: StripeSystem, path: str, body: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    form = {
        "Authorization": f"Bearer {TEST_KEY}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return system.control.post(path, content=body, headers=form | named)


def test_answers_name_request_and_version(stripe_system: StripeSystem) -> None:
    answer = post(stripe_system, "/v1/customers", "", Stripe_Version="2026-08-26.dahlia")
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-08-26.dahlia"


@pytest.mark.parametrize(
    "credentials",
    ["Bearer", "Basic !!", "Bearer nonsense", "Bearer sk_live_" + "a" * 24],
)
def test_only_test_keys_are_taken(stripe_system: StripeSystem, credentials: str) -> None:
    answer = post(stripe_system, "/v1/customers", "", Authorization=credentials)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_listening_beyond_loopback_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        StripeServer("0.0.0.0", 0, tmp_path)  # noqa: S104 -- the refusal is the point


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        ("customers", "colour=red", ("parameter_unknown", "colour")),
        ("customers", "address[planet]=x", ("parameter_unknown", "address[planet]")),
        ("customers", "shipping[moon]=z", ("parameter_unknown", "shipping[moon]")),
        ("customers", "shipping[name]=z", ("parameter_missing", "shipping[address]")),
        ("customers", "expand[]=shoe_size", (None, "expand")),
        ("customers", "a[b=1", (None, "a[b")),
        ("customers", "payment_method=", ("parameter_invalid_empty", "payment_method")),
        ("payment_intents", "currency=usd", ("parameter_missing", "amount")),
        ("payment_intents", "amount=ten&currency=usd", ("parameter_invalid_integer", "amount")),
        ("payment_intents", "amount=99&currency=", ("parameter_invalid_empty", "currency")),
        ("payment_intents", "amount=99&currency=usd&confirm=maybe", (None, "confirm")),
        ("payment_intents", "amount=99&currency=usd&capture_method=x", (None, "capture_method")),
        ("payment_intents", "amount=99&currency=usd&customer=x", ("resource_missing", "customer")),
    ],
)
def test_parameters_are_held_to_the_sdk_types(
    stripe_system: StripeSystem, path: str, body: str, fault: tuple[str | None, str]
) -> None:
    answer = post(stripe_system, f"/v1/{path}", body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error.get("code"), error["param"]) == fault
    assert stripe_system.event_types() == []


def test_unknown_id_and_unknown_url(stripe_system: StripeSystem) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        stripe_system.v1.customers.retrieve("cus_missing")
    assert (error.value.http_status, error.value.code) == (404, "resource_missing")
    answer = post(stripe_system, "/v1/spaceships", "")
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


def test_same_key_and_body_is_carried_out_once(stripe_system: StripeSystem) -> None:
    first = post(stripe_system, "/v1/customers", "name=Acme", Idempotency_Key="k1")
    second = post(stripe_system, "/v1/customers", "name=Acme", Idempotency_Key="k1")
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert len(stripe_system.v1.customers.list().data) == 1


def test_same_key_with_another_body_is_refused(stripe_system: StripeSystem) -> None:
    options = {"idempotency_key": "k1"}
    stripe_system.v1.customers.create({"name": "Acme"}, options)
    with pytest.raises(stripe.IdempotencyError):
        stripe_system.v1.customers.create({"name": "Bolt"}, options)


def test_refused_payment_is_replayed_but_a_malformed_request_is_not(
    stripe_system: StripeSystem,
) -> None:
    body = (
        "amount=500&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined"
        "&payment_method_types[0]=card"
    )
    first = post(stripe_system, "/v1/payment_intents", body, Idempotency_Key="k1")
    again = post(stripe_system, "/v1/payment_intents", body, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (402, 402)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(stripe_system.v1.charges.list().data) == 1

    malformed = post(stripe_system, "/v1/customers", "colour=red", Idempotency_Key="k2")
    corrected = post(stripe_system, "/v1/customers", "name=red", Idempotency_Key="k2")
    assert (malformed.status_code, corrected.status_code) == (400, 200)


def test_concurrent_use_of_a_key_is_a_conflict(stripe_system: StripeSystem) -> None:
    stripe_system.post("faults", path="/v1/customers", kind="delay", delay_ms=400)
    answers: list[httpx.Response] = []

    def create() -> None:
        answers.append(post(stripe_system, "/v1/customers", "name=Acme", Idempotency_Key="k1"))

    first = threading.Thread(target=create)
    first.start()
    deadline = time.monotonic() + 5
    while stripe_system.get("faults")["data"] and time.monotonic() < deadline:
        time.sleep(0.005)
    create()
    first.join()
    conflict, created = answers
    assert (conflict.status_code, created.status_code) == (409, 200)
    assert conflict.json()["error"]["code"] == "idempotency_key_in_use"
    assert len(stripe_system.v1.customers.list().data) == 1


def test_lost_answer_is_recovered_by_the_sdks_retry(stripe_system: StripeSystem) -> None:
    stripe_system.post("faults", path="/v1/customers", kind="drop", when="after")
    patient = make_client(stripe_system.server.url, retries=2)
    customer = patient.v1.customers.create({"name": "Acme"})
    assert [c.id for c in stripe_system.v1.customers.list().data] == [customer.id]
    statuses = [r["status"] for r in stripe_system.get("requests", method="POST")["data"]]
    # The first was carried out and its answer lost.
    assert statuses == [0, 200]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 500}, stripe.APIError),
        ({"status": 429}, stripe.RateLimitError),
        ({"kind": "timeout", "delay_ms": 10}, stripe.APIConnectionError),
    ],
)
def test_injected_fault_hits_the_next_requests_only(
    stripe_system: StripeSystem, fault: dict[str, Any], expected: type[Exception]
) -> None:
    stripe_system.post("faults", path="/v1/customers", method="POST", count=2, **fault)
    for _ in range(2):
        with pytest.raises(expected):
            stripe_system.v1.customers.create({})
    stripe_system.v1.customers.create({})
    assert stripe_system.get("faults")["data"] == []
    assert len(stripe_system.v1.customers.list().data) == 1


def test_parallel_payments_neither_collide_nor_get_lost(stripe_system: StripeSystem) -> None:
    def pay(number: int) -> str:
        intent = stripe_system.v1.payment_intents.create(
            {
                "amount": 100 + number,
                "currency": "usd",
                "payment_method": "pm_card_visa",
                "payment_method_types": ["card"],
                "confirm": True,
            }
        )
        assert intent.status == "succeeded"
        return str(intent.id)

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(pay, range(64)))
    assert len(set(ids)) == 64
    booked = stripe_system.v1.balance_transactions.list({"limit": 100}).data
    assert sorted(moved.amount for moved in booked) == list(range(100, 164))


def test_lists_are_paged_newest_first(stripe_system: StripeSystem) -> None:
    created = [stripe_system.v1.customers.create({"name": str(i)}).id for i in range(5)]
    page = stripe_system.v1.customers.list({"limit": 2})
    assert ([c.id for c in page.data], page.has_more) == (created[:2:-1], True)
    assert [c.id for c in page.auto_paging_iter()] == created[::-1]
    back = stripe_system.v1.customers.list({"limit": 2, "ending_before": created[0]})
    assert ([c.id for c in back.data], back.has_more) == ([created[2], created[1]], True)
    with pytest.raises(stripe.InvalidRequestError):
        stripe_system.v1.customers.list({"limit": 101})


def test_expansion_follows_ids(stripe_system: StripeSystem) -> None:
    customer, method = stripe_system.customer_with_card()
    intent = stripe_system.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer,
            "payment_method": method,
            "confirm": True,
            "off_session": True,
            "expand": ["latest_charge.balance_transaction", "customer"],
        }
    )
    assert intent.customer.email == "holder@example.com"
    assert intent.latest_charge.balance_transaction.amount == 500
    listed = stripe_system.v1.payment_intents.list({"expand": ["data.payment_method"]})
    assert listed.data[0].payment_method.card.brand == "visa"


def test_metadata_merges_and_empty_values_unset(stripe_system: StripeSystem) -> None:
    customers = stripe_system.v1.customers
    customer = customers.create({"name": "Acme", "metadata": {"a": "1", "b": "2"}})
    updated = customers.update(customer.id, {"name": "", "metadata": {"a": "", "c": "3"}})
    assert updated.name is None
    assert updated.metadata.to_dict() == {"b": "2", "c": "3"}


def test_deleted_customer_leaves_a_tombstone(stripe_system: StripeSystem) -> None:
    customer, method = stripe_system.customer_with_card()
    stripe_system.v1.customers.delete(customer)
    assert stripe_system.v1.customers.retrieve(customer).deleted
    assert stripe_system.v1.payment_methods.retrieve(method).customer is None
    assert stripe_system.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        stripe_system.v1.customers.update(customer, {"name": "x"})


def test_account_is_the_keys_own(stripe_system: StripeSystem) -> None:
    account = stripe_system.v1.accounts.retrieve_current()
    assert stripe_system.v1.accounts.retrieve(account.id).id == account.id
    with pytest.raises(stripe.PermissionError):
        stripe_system.v1.accounts.retrieve("acct_other")


def test_control_writes_need_json(stripe_system: StripeSystem) -> None:
    # A form of some web page must not reset the developer's data.
    answer = stripe_system.control.post("/_fake/reset", data={"a": "b"})
    assert answer.status_code == 415
    stripe_system.v1.customers.create({})
    assert stripe_system.post("reset")["objects"] == 0


def start_process(port: int, state: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "deploy.local.stripe_fake"),
            *("--bind", f"127.0.0.1:{port}", "--state", str(state)),
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "default"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert b"Local Stripe on" in process.stdout.readline()
    return process


def test_restart_keeps_objects_and_idempotent_answers(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}", retries=2)
    ids, accounts = [], []
    for stop in (signal.SIGKILL, signal.SIGTERM):
        process = start_process(port, tmp_path)
        try:
            created = client.v1.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})
            ids.append(created.id)
            accounts.append(client.v1.accounts.retrieve_current().id)
        finally:
            process.send_signal(stop)
            status = process.wait(10)
            assert process.stdout is not None
            process.stdout.close()
    assert status == 0
    assert ids[0] == ids[1]
    assert accounts[0] == accounts[1]
