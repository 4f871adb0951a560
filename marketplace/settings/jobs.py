"""Celery: its broker, queues and time limits."""

from __future__ import annotations

from kombu import Queue

from marketplace.settings.env import env_text
from marketplace.settings.valkey import REDIS_URL

CELERY_BROKER_URL = env_text("BROKER_URL", REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True  # JobRun rows are the record
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "apps.core.beat:HeartbeatScheduler"
# A worker without `-Q` serves all of them; a job that names another queue is refused at start.
JOB_QUEUES = ("default", "billing", "usage")
CELERY_TASK_DEFAULT_QUEUE = JOB_QUEUES[0]
CELERY_TASK_QUEUES = [Queue(name) for name in JOB_QUEUES]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# kombu sweeps unacknowledged tasks every interval x throttle; its default of 100 s delays the
# redelivery after a crash for that long.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 1800, "unacked_restore_interval": 5, "unacked_restore_throttle": 1}
    if CELERY_BROKER_URL.startswith(("redis://", "rediss://", "unix://"))
    else {}
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
