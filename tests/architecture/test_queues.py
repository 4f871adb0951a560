"""A job whose queue no worker consumes would never run, and nothing would say so."""

from __future__ import annotations

from marketplace.celery import app


def test_workers_consume_the_queue_of_every_job() -> None:
    app.autodiscover_tasks(force=True)
    app.finalize()
    consumed = set(app.amqp.queues.consume_from)
    queues = {
        name: getattr(task, "queue", None) or app.conf.task_default_queue
        for name, task in app.tasks.items()
    }
    assert len(queues) > 5
    assert {name: queue for name, queue in queues.items() if queue not in consumed} == {}
