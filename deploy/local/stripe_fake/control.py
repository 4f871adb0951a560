"""/_fake/…: what a test may ask of the fake that nobody can ask of Stripe.

GET  health, requests?path=&method=, faults, deliveries?event=, webhooks
POST faults, webhooks {paused, delay_ms, duplicates}, events/{id}/redeliver {times, delay_ms},
     settle (refunds that succeed or fail later do so now), reset
DELETE faults, requests
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from deploy.local.stripe_fake.events import queue_delivery, subscribed_endpoints
from deploy.local.stripe_fake.faults import Fault
from deploy.local.stripe_fake.messages import Request, Response, json_response
from deploy.local.stripe_fake.resources.refunds import settle_refunds

if TYPE_CHECKING:
    from deploy.local.stripe_fake.application import StripeFake

Json = dict[str, Any]
WEBHOOK_MODES = frozenset({"paused", "delay_ms", "duplicates"})


def handle(fake: StripeFake, request: Request) -> Response:
    """Answer a control request; writes must be JSON, so that no web page can forge them."""
    what = request.path.removeprefix("/_fake/")
    if request.method == "POST" and request.headers.get("content-type") != "application/json":
        return _problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.")
    try:
        body = json.loads(request.text or "{}") if request.method == "POST" else {}
        if what.startswith("events/") and what.endswith("/redeliver"):
            event_id = what.removeprefix("events/").removesuffix("/redeliver")
            return _redeliver(fake, event_id, body)
        answer = ANSWERS.get((request.method, what))
        if answer is None:
            return _problem(HTTPStatus.NOT_FOUND, f"No control {request.method} {what}.")
        query = {name: values[-1] for name, values in parse_qs(request.query).items()}
        return json_response(HTTPStatus.OK, answer(fake, body | query))
    except (ValueError, TypeError) as error:
        return _problem(HTTPStatus.BAD_REQUEST, str(error))


def _problem(status: int, detail: str) -> Response:
    return json_response(status, {"detail": detail})


def _health(fake: StripeFake, _: Json) -> Json:
    objects = fake.store.rows("SELECT count(*) AS n FROM object")[0]["n"]
    return {"status": "ok", "objects": objects}


def _list_requests(fake: StripeFake, wanted: Json) -> Json:
    rows = [dict(row) for row in fake.store.rows("SELECT * FROM request ORDER BY id")]
    matching = [
        row | {"params": json.loads(row["params"])}
        for row in rows
        if fnmatchcase(row["path"], wanted.get("path", "*"))
        and row["method"] == wanted.get("method", row["method"])
    ]
    return {"data": matching}


def _forget_requests(fake: StripeFake, _: Json) -> Json:
    fake.store.rows("DELETE FROM request")
    return {"data": []}


def _list_faults(fake: StripeFake, _: Json) -> Json:
    return {"data": fake.faults.listed()}


def _add_fault(fake: StripeFake, body: Json) -> Json:
    fake.faults.add(Fault(**body))
    return _list_faults(fake, body)


def _clear_faults(fake: StripeFake, body: Json) -> Json:
    fake.faults.clear()
    return _list_faults(fake, body)


def _list_deliveries(fake: StripeFake, wanted: Json) -> Json:
    rows = [dict(row) for row in fake.store.rows("SELECT * FROM delivery ORDER BY id")]
    return {"data": [r for r in rows if r["event_id"] == wanted.get("event", r["event_id"])]}


def _show_webhooks(fake: StripeFake, _: Json) -> Json:
    mode: Json = fake.store.setting("webhooks", {})
    return mode


def _set_webhooks(fake: StripeFake, body: Json) -> Json:
    if unknown := set(body) - WEBHOOK_MODES:
        raise ValueError(f"unknown: {sorted(unknown)}")
    mode = _show_webhooks(fake, body) | body
    fake.store.save_setting("webhooks", mode)
    fake.courier.wake()
    return mode


def _reset(fake: StripeFake, body: Json) -> Json:
    fake.store.clear()
    fake.faults.clear()
    return _health(fake, body)


def _settle(fake: StripeFake, _: Json) -> Json:
    with fake.store.transaction():
        settled = settle_refunds(fake.new_call({}))
    fake.courier.wake()
    return {"data": [refund["id"] for refund in settled]}


def _redeliver(fake: StripeFake, event_id: str, body: Json) -> Response:
    event = fake.store.find("event", event_id)
    if event is None:
        return _problem(HTTPStatus.NOT_FOUND, f"No event {event_id}.")
    call = fake.new_call({})
    with fake.store.transaction():
        for _ in range(body.get("times", 1)):
            for endpoint in subscribed_endpoints(call, event["type"]):
                delay_s = body.get("delay_ms", 0) / 1000
                queue_delivery(call, event_id, endpoint, delay_s)
    fake.courier.wake()
    return json_response(HTTPStatus.OK, _list_deliveries(fake, {"event": event_id}))


ANSWERS: dict[tuple[str, str], Callable[[StripeFake, Json], Json]] = {
    ("GET", "health"): _health,
    ("GET", "requests"): _list_requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "deliveries"): _list_deliveries,
    ("GET", "webhooks"): _show_webhooks,
    ("POST", "webhooks"): _set_webhooks,
    ("POST", "settle"): _settle,
    ("POST", "reset"): _reset,
}
