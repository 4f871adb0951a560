"""Processing that stands still delays neither intake nor what others wait for."""

from __future__ import annotations

import json
import threading

import pytest
from django.db import connection, transaction

from apps.usage.ingestion import accept_batch
from apps.usage.models import UsageBatch, UsageCutoff, UsageEvent
from apps.usage.processing import process_next_batch
from tests.clients import api_client
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db(transaction=True)


def test_processor_that_waits_for_a_lock_does_not_delay_intake() -> None:
    subscription = make_subscription_row()
    body = json.dumps({"events": [make_event(subscription)]}).encode()
    accept_batch(body=body, batch_key="1", actor=PLATFORM)
    process_next_batch()
    accept_batch(
        body=json.dumps({"events": [make_event(subscription)]}).encode(),
        batch_key="2",
        actor=PLATFORM,
    )
    has_ended = threading.Event()

    def process() -> None:
        try:
            process_next_batch()
        finally:
            connection.close()
            has_ended.set()

    with transaction.atomic():
        # What closing a period holds for as long as it takes.
        UsageCutoff.objects.select_for_update().get(subscription=subscription)
        thread = threading.Thread(target=process)
        thread.start()
        while not _somebody_waits():
            assert not has_ended.wait(0.05)
        answer = api_client(PLATFORM).post(
            "/api/v1/usage/events",
            data=json.dumps({"events": [make_event(subscription)]}),
            content_type="application/json",
        )
        assert answer.status_code == 202, answer.content
        assert not has_ended.is_set()
    thread.join()

    assert process_next_batch()
    assert set(UsageBatch.objects.values_list("status", flat=True)) == {"processed"}
    assert UsageEvent.objects.count() == 3


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
