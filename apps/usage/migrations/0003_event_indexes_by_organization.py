from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLE = "usage_usageevent"
INDEXES = {
    "usage_event_consumer": "consumer_organization_id",
    "usage_event_provider": "provider_organization_id",
}
# Partitions that lack their part of an index. One that was interrupted is there, but belongs to nothing.
MISSING = """
    SELECT part.inhrelid::regclass::text FROM pg_inherits part
    WHERE part.inhparent = %s::regclass AND NOT EXISTS (
        SELECT FROM pg_inherits attached JOIN pg_index i ON i.indexrelid = attached.inhrelid
        WHERE attached.inhparent = %s::regclass AND i.indrelid = part.inhrelid
    )
"""


def build(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Build partition by partition while calls are stored: an index of the whole table would stop them."""
    with schema_editor.connection.cursor() as cursor:
        for index, column in INDEXES.items():
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {index} ON ONLY {TABLE} ({column}, occurred_at)"
            )
            cursor.execute(MISSING, [TABLE, index])
            for (partition,) in cursor.fetchall():
                part = f"{partition}_{index.removeprefix('usage_event_')}"
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {part}")
                cursor.execute(
                    f"CREATE INDEX CONCURRENTLY {part} ON {partition} ({column}, occurred_at)"
                )
                cursor.execute(f"ALTER INDEX {index} ATTACH PARTITION {part}")


def drop(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        for index in INDEXES:
            cursor.execute(f"DROP INDEX IF EXISTS {index}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("usage", "0002_cutoff"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="usageevent",
                    index=models.Index(fields=[column, "occurred_at"], name=index),
                )
                for index, column in INDEXES.items()
            ],
            database_operations=[migrations.RunPython(build, drop)],
        ),
    ]
