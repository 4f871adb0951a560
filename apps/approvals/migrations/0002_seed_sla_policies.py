"""Default deadlines, by priority; operators change the rows."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

DEFAULT_HOURS = {"urgent": 8, "high": 24, "normal": 72, "low": 120}


def seed(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    SlaPolicy = apps.get_model("approvals", "SlaPolicy")
    for priority, hours in DEFAULT_HOURS.items():
        SlaPolicy.objects.get_or_create(
            subject_type="", priority=priority, defaults={"resolution_hours": hours}
        )


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
