"""The Celery application of worker and beat."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.local")

app = Celery("marketplace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
# By name: its models can be imported only once Django is set up.
app.steps["worker"].add("apps.core.worker:HeartbeatStep")
app.autodiscover_tasks()


@setup_logging.connect
def keep_own_logging(**_kwargs: Any) -> None:
    """Leave logging as Django set it up; without a receiver Celery adds a handler of its own."""


@celeryd_init.connect
def refuse_what_is_not_ready(**_kwargs: Any) -> None:
    """Stop the worker's start, with one line that says what to do; beat's scheduler does the same."""
    from apps.core.startup import require_ready  # noqa: PLC0415 -- Django is set up by now

    require_ready()
