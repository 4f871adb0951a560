"""Endpoints without a business noun: health, and the state of background jobs."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.permissions import AUTHENTICATED, PUBLIC
from apps.core.api.views import ApiView
from apps.core.health import STARTED_AT, Health, check_everything, check_stores
from apps.core.jobs import get_visible_run
from apps.core.models import JobRun


class HealthOutput(serializers.Serializer[Any]):
    """The state of the whole and of each part."""

    status = serializers.ChoiceField(["ok", "degraded", "down"])
    version = serializers.CharField()
    environment = serializers.CharField()
    uptime_s = serializers.IntegerField()
    checked_at = serializers.DateTimeField()
    components = serializers.DictField(child=serializers.DictField())


class LiveOutput(serializers.Serializer[Any]):
    """Just a sign of life."""

    status = serializers.ChoiceField(["ok"])


class JobRunOutput(serializers.ModelSerializer[JobRun]):
    """A background job's run. `status` moves from queued over running to succeeded or failed."""

    id = serializers.CharField(source="public_id")
    progress = serializers.SerializerMethodField()

    class Meta:
        model = JobRun
        fields = (
            "id", "name", "status", "progress", "result", "error",
            "created_at", "started_at", "finished_at", "duration_s",
        )  # fmt: skip

    def get_progress(self, run: JobRun) -> dict[str, int]:
        """Return how much is done of how much."""
        return {"done": run.progress_done, "total": run.progress_total}


class LiveView(ApiView):
    """Whether this process answers; for a supervisor that restarts it if not."""

    authentication_classes = ()
    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=LiveOutput, tags=["health"])
    def get(self, _request: Request) -> Response:
        """Answer."""
        return Response({"status": "ok"})


class ReadyView(ApiView):
    """Whether this process can serve; for a load balancer: 503 without database or cache."""

    authentication_classes = ()
    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses={200: HealthOutput, 503: HealthOutput}, tags=["health"])
    def get(self, _request: Request) -> Response:
        """Check the stores."""
        return _answer(check_stores())


class HealthView(ApiView):
    """The state of the whole product: each dependency and each process.

    `degraded` (200) means that some part is away while requests are still served; `down` (503) means that
    the database or the cache is.
    """

    authentication_classes = ()
    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses={200: HealthOutput, 503: HealthOutput}, tags=["health"])
    def get(self, _request: Request) -> Response:
        """Check everything."""
        return _answer(check_everything())


def _answer(health: Health) -> Response:
    body = {
        "status": health.status,
        "version": settings.RELEASE,
        "environment": settings.ENVIRONMENT,
        "uptime_s": int(time.monotonic() - STARTED_AT),
        "checked_at": clock.now(),
        "components": {name: part.as_json() for name, part in health.components.items()},
    }
    headers = {"Cache-Control": "no-store"}
    return Response(body, status=503 if health.status == "down" else 200, headers=headers)


class JobView(ApiView):
    """A background job's run, to be asked until it has finished."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(responses=JobRunOutput, tags=["jobs"])
    def get(self, _request: Request, job_id: str) -> Response:
        """Show the run; another tenant's is a 404."""
        return Response(JobRunOutput(get_visible_run(self.actor, job_id)).data)
