"""Log lines: JSON, one request id through web, outbox and worker, no secrets."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery.contrib.testing.worker import start_worker
from django.db import transaction
from django.test import Client

from apps.core import jobs, outbox, relay
from apps.core.actors import Actor
from apps.core.logging import json_formatter
from apps.core.models import JobRun, OutboxMessage
from apps.core.request_context import current_request_id, request_id_scope
from marketplace.celery import app as celery_app

logger = structlog.get_logger("tests.logging")
REQUEST_ID = "request-from-the-browser-1"


@pytest.fixture
def lines() -> Iterator[Any]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    # Not the root logger: a starting worker configures that one afresh.
    loggers = [logging.getLogger(name) for name in ("tests.logging", "some.library", "django")]
    for item in loggers:
        item.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for item in loggers:
        item.removeHandler(handler)


def test_lines_of_ours_and_of_libraries_look_alike_and_hold_no_secrets(lines: Any) -> None:
    with request_id_scope(REQUEST_ID):
        logger.info("key.used", key="tgk_live_0123456789abcdef", by="acme@example.com", calls=3)
        logging.getLogger("some.library").warning("sent to %s", "acme@example.com")

    ours, theirs = lines()

    assert {"timestamp", "level", "event"} <= ours.keys() & theirs.keys()
    assert {
        name: ours[name] for name in ("event", "key", "by", "calls", "level", "request_id")
    } == {
        "event": "key.used",
        "key": "[removed]",
        "by": "[removed]",
        "calls": 3,
        "level": "info",
        "request_id": REQUEST_ID,
    }
    assert (theirs["event"], theirs["logger"]) == ("sent to [removed]", "some.library")
    assert theirs["request_id"] == REQUEST_ID


@pytest.mark.django_db
def test_request_id_is_accepted_echoed_and_logged(lines: Any) -> None:
    response = Client().get("/api/v1/nothing", headers={"x-request-id": REQUEST_ID})

    assert response["X-Request-Id"] == REQUEST_ID
    ids = {line.get("request_id") for line in lines()}
    assert ids == {REQUEST_ID}


def note_request_id(context: jobs.JobContext) -> dict[str, str]:
    """Note under which id a job runs."""
    logger.info("job.ran")
    return {"request_id": current_request_id()}


@pytest.fixture
def noting_job() -> Iterator[str]:
    name = "test.note_request_id"
    jobs.job(name)(note_request_id)
    yield name
    jobs._registered.pop(name)


@pytest.mark.django_db(transaction=True)
def test_request_id_reaches_the_worker(noting_job: str, lines: Any) -> None:
    with start_worker(celery_app, perform_ping_check=False, shutdown_timeout=20):
        with request_id_scope(REQUEST_ID), transaction.atomic():
            run = jobs.enqueue(noting_job, actor=Actor.system("test"))
        finished = wait_for(run)

    assert (finished.status, finished.result) == ("succeeded", {"request_id": REQUEST_ID})
    (line,) = [line for line in lines() if line["event"] == "job.ran"]
    assert line["request_id"] == REQUEST_ID


def wait_for(run: JobRun) -> JobRun:
    for _attempt in range(100):
        run.refresh_from_db()
        if run.finished_at:
            return run
        time.sleep(0.1)
    raise AssertionError(f"still {run.status}")


@pytest.mark.django_db
def test_request_id_reaches_the_relay(monkeypatch: pytest.MonkeyPatch, lines: Any) -> None:
    monkeypatch.setitem(
        outbox._handlers, "test.note", lambda _payload: logger.info("message.delivered")
    )
    with request_id_scope(REQUEST_ID):
        outbox.enqueue("test.note", {})

    relay.drain()

    (line,) = [line for line in lines() if line["event"] == "message.delivered"]
    assert line["request_id"] == REQUEST_ID
    assert OutboxMessage.objects.get().request_id == REQUEST_ID
