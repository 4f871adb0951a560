"""Shapes of exports."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.models import JobRun
from apps.usage.chosen_period import KEYS
from apps.usage.enums import ExportFormat, ExportSide, ExportSubject
from apps.usage.export_columns import columns_of
from apps.usage.models import UsageExport

STATUS_CLASSES = ("2", "3", "4", "5")
MEMBER_SIDES = (ExportSide.CONSUMER, ExportSide.PROVIDER)


class ExportFiltersInput(serializers.Serializer[Any]):
    """What narrows an export. `status` and `path` narrow calls; `meter` narrows windows."""

    subscription_id = serializers.CharField(required=False, max_length=60)
    api_id = serializers.CharField(required=False, max_length=60)
    status = serializers.ChoiceField(
        STATUS_CLASSES, required=False, help_text="The first digit of the status."
    )
    path = serializers.CharField(
        required=False, max_length=100, help_text="What the path contains."
    )
    meter = serializers.CharField(required=False, max_length=60)


class OperatorExportInput(serializers.Serializer[Any]):
    """What to export. `custom` takes the local days from `from` to `to`, both included."""

    subject = serializers.ChoiceField(ExportSubject.choices, default=ExportSubject.CALLS)
    format = serializers.ChoiceField(ExportFormat.choices, default=ExportFormat.CSV)
    period = serializers.ChoiceField(KEYS, required=False)
    to = serializers.CharField(required=False, max_length=10, help_text="YYYY-MM-DD")
    step = serializers.ChoiceField(
        ("hour", "day"), default="day", help_text="Of a series: one row per hour or local day."
    )
    filters = ExportFiltersInput(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no name in Python."""
        day = serializers.CharField(required=False, max_length=10, help_text="YYYY-MM-DD")
        return {**super().get_fields(), "from": day}


class ExportInput(OperatorExportInput):
    """What to export, and whose fields: your own calls, or the calls of your APIs."""

    side = serializers.ChoiceField(
        [choice for choice in ExportSide.choices if choice[0] in MEMBER_SIDES],
        default=ExportSide.CONSUMER,
    )


class ExportProgressOutput(serializers.Serializer[Any]):
    """Rows written, of how many are expected."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class ExportOutput(serializers.ModelSerializer[UsageExport]):
    """An export. `status` moves from queued over running to ready, failed or cancelled; ready ones expire."""

    id = serializers.CharField(source="public_id")
    format = serializers.CharField(source="file_format")
    step = serializers.SerializerMethodField()
    job_id = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    columns = serializers.SerializerMethodField()

    class Meta:
        """Without the name in the storage."""

        model = UsageExport
        fields: ClassVar = (
            "id", "status", "side", "subject", "format", "period_start", "period_end", "timezone",
            "step", "filters", "columns", "job_id", "progress", "row_count", "size_bytes", "sha256",
            "error_code", "created_at", "finished_at", "expires_at",
        )  # fmt: skip

    def get_step(self, export: UsageExport) -> str:
        """Return what one row of a series covers."""
        return "day" if export.by_day else "hour"

    def get_job_id(self, export: UsageExport) -> str | None:
        """Return the job that writes it; jobs are forgotten after 90 days."""
        return export.job.public_id if export.job else None

    @extend_schema_field(ExportProgressOutput)
    def get_progress(self, export: UsageExport) -> dict[str, int]:
        """Return how far it is."""
        job = export.job or JobRun()
        return {"done": job.progress_done, "total": job.progress_total}

    def get_columns(self, export: UsageExport) -> list[str]:
        """Return the names of the columns, in the order of the file."""
        return [column.name for column in columns_of(export.subject, export.side)]
