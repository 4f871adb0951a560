"""App configuration of the ground floor."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.db import connection
from django.db.models.signals import post_migrate
from django.utils.module_loading import module_has_submodule


class CoreConfig(AppConfig):
    """Money, time, ids, audit, outbox, jobs: everything without a business noun."""

    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Set up logs and error reports; register checks, outbox handlers and the jobs of every app."""
        from apps.core import backlog, checks, receivers  # noqa: F401, PLC0415 -- registration on import
        from apps.core.logging import configure_logging  # noqa: PLC0415 -- needs the settings
        from apps.core.sentry import init_sentry  # noqa: PLC0415 -- needs the settings

        configure_logging()
        init_sentry()
        import_jobs()
        post_migrate.connect(sync_schedule_after_migrate, sender=self)


def import_jobs() -> None:
    """Import each app's `tasks`: who enqueues a job by name must know it, in every process."""
    for config in apps.get_app_configs():
        if config.name.startswith("apps.") and module_has_submodule(config.module, "tasks"):
            import_module(f"{config.name}.tasks")


def sync_schedule_after_migrate(**_kwargs: Any) -> None:
    """Mirror the declared schedule once its tables exist; migrating one app alone leaves it for later."""
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415 -- models are loaded after this module

    from apps.core.schedule import sync_schedule  # noqa: PLC0415 -- as above

    if PeriodicTask._meta.db_table in connection.introspection.table_names():
        sync_schedule()
