"""Scheduled jobs of this app."""

from __future__ import annotations

from datetime import timedelta

from apps.apis import services
from apps.apis.services.health_days import sum_up_health
from apps.apis.services.monitoring import probe_due_upstreams
from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule


@job("apis.probe_upstreams")
def probe_upstreams(_context: JobContext) -> dict[str, int]:
    """Ask the upstreams of live APIs whether they answer, and open or close their circuits."""
    done = probe_due_upstreams()
    return {"probed": done.probed, "failed": done.failed, "circuits": done.changed_circuits}


@job("apis.sum_up_health")
def sum_up(_context: JobContext) -> dict[str, int]:
    """Sum up the probes of the last days and forget old ones."""
    return sum_up_health()


@job("apis.apply_sunsets")
def apply_sunsets(_context: JobContext) -> dict[str, int]:
    """Remind subscribers of announced ends, and retire the APIs and versions whose day has come."""
    done = services.apply_sunsets()
    return {"reminders": done.reminders, "apis": done.apis, "versions": done.versions}


@job("apis.check_domains")
def check_domains(_context: JobContext) -> dict[str, int]:
    """Look for the records of domains that were claimed and not proven yet."""
    return services.check_claimed_domains(actor=Actor.system("apis.check_domains"))


schedule("apis.check_domains", every=timedelta(minutes=10))
schedule("apis.probe_upstreams", every=timedelta(seconds=15))
schedule("apis.sum_up_health", every=timedelta(hours=1))
schedule("apis.apply_sunsets", every=timedelta(minutes=10))
