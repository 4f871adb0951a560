"""Background jobs by name: enqueued on commit, their runs recorded, their state shown.

`@job("billing.close_due_periods")` makes a Celery task whose every run is a `JobRun`. Callers name the
job, so services never import tasks. A job is idempotent: brokers deliver at least once. Nothing that must not be
lost depends on the broker; such work goes through the outbox or is found again by the next scheduled run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from celery import Task, current_app, shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.core import clock
from apps.core.actors import Actor
from apps.core.enums import JobStatus, JobTrigger
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import JobRun
from apps.core.request_context import current_request_id, request_id_scope

logger = structlog.get_logger(__name__)

DEFAULT_QUEUE: Final = "default"
REQUEST_ID_FIELD: Final = "tollgate_request_id"


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a running job knows about itself."""

    run: JobRun

    def progress(self, done: int, total: int) -> None:
        """Show how far the run is."""
        JobRun.objects.filter(pk=self.run.pk).update(progress_done=done, progress_total=total)


_registered: dict[str, str] = {}


def registered_jobs() -> dict[str, str]:
    """Return every job name with its one-line description."""
    return dict(sorted(_registered.items()))


def job(name: str, *, queue: str = DEFAULT_QUEUE) -> Callable[[Callable[..., Any]], Task[Any, Any]]:
    """Make a function a background job. It receives a `JobContext` and keyword arguments of plain JSON."""
    if queue not in settings.JOB_QUEUES:
        raise ValueError(f"{name}: no worker serves the queue {queue!r} (settings.JOB_QUEUES)")

    def register(function: Callable[..., Any]) -> Task[Any, Any]:
        _registered[name] = (function.__doc__ or name).strip().splitlines()[0]

        @functools.wraps(function)
        def run_job(task: Task[Any, Any], **arguments: Any) -> Any:
            run = _begin(name=name, run_id=task.request.id, arguments=arguments)
            request_id = getattr(task.request, REQUEST_ID_FIELD, None) or str(run.pk)
            with request_id_scope(request_id):
                return _carry_out(function, run, arguments)

        decorate = shared_task(bind=True, name=name, queue=queue, acks_late=True)
        task: Task[Any, Any] = decorate(run_job)  # type: ignore[arg-type]  # bind=True passes the task
        return task

    return register


def _begin(*, name: str, run_id: str | None, arguments: dict[str, Any]) -> JobRun:
    """Find the run that `enqueue` wrote, or make one for a scheduled start."""
    run = JobRun.objects.filter(pk=run_id).first() if run_id else None
    if run is None:
        run = JobRun(name=name, arguments=arguments, trigger=JobTrigger.SCHEDULE)
        if run_id:
            run.pk = UUID(run_id)
    run.status = JobStatus.RUNNING
    run.started_at = clock.now()
    run.save()
    return run


def _carry_out(function: Callable[..., Any], run: JobRun, arguments: dict[str, Any]) -> Any:
    try:
        result = function(JobContext(run), **arguments)
    except Exception as error:
        logger.exception("job.failed", job=run.name)
        run.status, run.error = JobStatus.FAILED, f"{type(error).__name__}: {error}"
        run.finished_at = clock.now()
        run.save(update_fields=["status", "error", "finished_at", "updated_at"])
        raise
    JobRun.objects.filter(pk=run.pk).update(
        status=JobStatus.SUCCEEDED,
        result=result,
        finished_at=clock.now(),
        progress_done=F("progress_total"),
    )
    return result


def enqueue(
    name: str, *, actor: Actor, trigger: JobTrigger = JobTrigger.REQUEST, **arguments: Any
) -> JobRun:
    """Start a job when the transaction commits; its run can be followed at `/api/jobs/status/{id}`.

    Raises:
        KeyError: no such job.
    """
    if name not in _registered:
        raise KeyError(name)
    run = JobRun.objects.create(
        name=name,
        arguments=arguments,
        trigger=trigger,
        organization_id=actor.organization_id,
        requested_by=actor.label,
    )
    headers = {REQUEST_ID_FIELD: current_request_id()}
    transaction.on_commit(
        lambda: current_app.tasks[name].apply_async(
            kwargs=arguments, task_id=str(run.pk), headers=headers
        )
    )
    return run


def get_visible_run(actor: Actor, public_id: str) -> JobRun:
    """Return a run of the actor's organization; staff and the system see all.

    Raises:
        NotFound: unknown, malformed, or another tenant's.
    """
    try:
        run = JobRun.objects.filter(pk=parse_public_id(JobRun.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        raise NotFound from None
    if run is None:
        raise NotFound
    is_own = run.organization_id is not None and run.organization_id == actor.organization_id
    if not (is_own or actor.sees_every_tenant):
        raise NotFound
    return run
