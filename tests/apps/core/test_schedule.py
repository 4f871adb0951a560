"""The declared schedule is mirrored to the table that beat reads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from apps.core import jobs, schedule
from apps.core.exceptions import RuleViolated


@pytest.fixture(autouse=True)
def only_own_entries(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(schedule, "_entries", {})
    monkeypatch.setattr(jobs, "_registered", {"test.often": "Do it often.", "test.daily": "Do it."})
    PeriodicTask.objects.all().delete()


def test_sync_schedule_creates_what_is_declared_once() -> None:
    schedule.schedule("test.often", every=timedelta(minutes=5), limit=3)
    schedule.schedule("test.daily", crontab="15 2 * * *")

    first, second = schedule.sync_schedule(), schedule.sync_schedule()

    assert (first.created, second.created, second.removed) == (2, 0, 0)
    often = PeriodicTask.objects.get(task="test.often")
    assert (often.interval.every, often.interval.period, often.kwargs) == (
        300,
        "seconds",
        '{"limit": 3}',
    )
    assert often.description == "Do it often."
    daily = PeriodicTask.objects.get(task="test.daily")
    assert (daily.crontab.minute, daily.crontab.hour, daily.crontab.day_of_week) == ("15", "2", "*")


def test_sync_schedule_keeps_what_an_operator_changed_and_drops_what_is_gone() -> None:
    schedule.schedule("test.often", every=timedelta(minutes=5))
    schedule.schedule("test.daily", crontab="15 2 * * *")
    schedule.sync_schedule()
    PeriodicTask.objects.filter(task="test.often").update(enabled=False)
    del schedule._entries["test.daily"]

    result = schedule.sync_schedule()

    assert (result.created, result.removed) == (0, 1)
    assert list(PeriodicTask.objects.values_list("task", "enabled")) == [("test.often", False)]


def test_sync_schedule_refuses_an_entry_without_job() -> None:
    schedule.schedule("test.unknown", every=timedelta(minutes=5))

    with pytest.raises(RuleViolated, match=r"test\.unknown"):
        schedule.sync_schedule()

    assert not PeriodicTask.objects.exists()


def test_schedule_refuses_contradictions() -> None:
    schedule.schedule("test.often", every=timedelta(minutes=5))

    with pytest.raises(ValueError, match="twice"):
        schedule.schedule("test.often", every=timedelta(minutes=6))
    with pytest.raises(ValueError, match="either"):
        schedule.schedule("test.daily")
