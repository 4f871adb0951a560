"""Response times and escalation for the known subjects, and the calendar; operators change the rows."""

from __future__ import annotations

from typing import NamedTuple

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


class Terms(NamedTuple):
    """Hours; `days` until an undecided request expires."""

    response: int
    resolution: int
    escalate_after: int | None = None
    business: bool = False
    days: int | None = None


DEFAULT_RESPONSE_HOURS = {"urgent": 1, "high": 4, "normal": 8, "low": 24}
POLICIES = {
    ("apis.api", "urgent"): Terms(1, 8, 4),
    ("apis.api", "high"): Terms(4, 24, 12),
    ("apis.api", "normal"): Terms(8, 72, 24, business=True),
    ("apis.api", "low"): Terms(16, 96, business=True),
    ("apis.api_update", "high"): Terms(4, 24, 12),
    ("apis.api_update", "normal"): Terms(8, 48, 24, business=True),
    ("apis.api_update", "low"): Terms(16, 72, business=True),
    ("accounts.provider_verification", "normal"): Terms(12, 96, 48, business=True, days=90),
    ("subscriptions.access", "normal"): Terms(8, 48, business=True, days=30),
    ("billing.refund", "urgent"): Terms(1, 8, 4),
    ("billing.refund", "high"): Terms(4, 24, 12),
    ("billing.refund", "normal"): Terms(8, 72, 24, business=True),
    ("accounts.deletion", "normal"): Terms(8, 48, 24),
}


def seed(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fill what operators have not set themselves."""
    SlaPolicy = apps.get_model("approvals", "SlaPolicy")
    for priority, hours in DEFAULT_RESPONSE_HOURS.items():
        SlaPolicy.objects.filter(
            subject_type="", priority=priority, response_hours=None, resolution_hours__gte=hours
        ).update(response_hours=hours)
    for (subject_type, priority), terms in POLICIES.items():
        SlaPolicy.objects.get_or_create(
            subject_type=subject_type,
            priority=priority,
            defaults={
                "response_hours": terms.response,
                "resolution_hours": terms.resolution,
                "escalate_after_hours": terms.escalate_after,
                "uses_business_hours": terms.business,
                "expires_after_days": terms.days,
            },
        )
    apps.get_model("approvals", "BusinessCalendar").objects.get_or_create(name="default")


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_deadlines_conditions_attachments")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
