"""The jobs of keys: in the schedule, run by name, with a result; and what two do at once happens once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection

from apps.core import clock
from apps.core.actors import Actor
from apps.core.enums import JobStatus
from apps.core.models import AuditEvent, JobRun
from apps.core.schedule import declared_schedule, run_now
from apps.keys import services
from apps.keys.exceptions import KeySecretGone
from apps.keys.models import ApiKey, KeyLeak
from tests.factories.keys import SYSTEM, make_key

JOBS = {
    "keys.complete_due_rotations": "revoked",
    "keys.expire_due_keys": "expired",
    "keys.renew_due_keys": "renewed",
    "keys.rotate_due_keys": "rotated",
    "keys.send_due_notices": "sent",
    "keys.wipe_unread_keys": "wiped",
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", JOBS)
def test_job_is_scheduled_and_tells_its_result(name: str) -> None:
    assert name in declared_schedule()

    current_app.tasks[name].apply()

    run = JobRun.objects.get(name=name)
    assert (run.status, run.result) == (JobStatus.SUCCEEDED, {JOBS[name]: 0})


@pytest.mark.django_db
def test_operator_starts_a_job_by_hand() -> None:
    run = run_now(job="keys.rotate_due_keys", actor=Actor.system("an operator"))

    assert run.requested_by == "an operator"
    assert AuditEvent.objects.filter(action="core:job:started", target_id=run.pk).exists()


def at_once(work: Callable[[], object], times: int = 4) -> list[object]:
    """Do something in threads of their own; return what came of each, None for a refusal."""

    def attempt(_number: int) -> object:
        try:
            return work()
        except KeySecretGone:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(attempt, range(times)))


@pytest.mark.django_db(transaction=True)
def test_two_readers_get_one_text() -> None:
    key = make_key(rotation_days=1).key
    ApiKey.objects.update(rotates_at=clock.now() - timedelta(minutes=1))
    services.rotate_due_keys(actor=SYSTEM)
    new = ApiKey.objects.exclude(pk=key.pk).get()

    texts = at_once(lambda: services.reveal_key(key=new, actor=SYSTEM))

    assert len([text for text in texts if text]) == 1
    assert AuditEvent.objects.filter(action="keys:key:revealed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_reports_of_a_leak_are_one() -> None:
    key = make_key().key

    at_once(
        lambda: services.report_leak(
            key=key, url="https://example.com/", source="content", actor=SYSTEM
        )
    )

    assert KeyLeak.objects.count() == 1
    assert AuditEvent.objects.filter(action="keys:key:revoked").count() == 1
