"""Routes without a business noun."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.core import views
from apps.core.api import docs, operations

app_name = "core"
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/health", operations.HealthView.as_view(), name="health"),
    path("api/health/live", operations.LiveView.as_view(), name="health-live"),
    path("api/health/ready", operations.ReadyView.as_view(), name="health-ready"),
    path("api/jobs/status/<str:job_id>", operations.JobView.as_view(), name="job-status"),
    path("api/v1/jobs/<str:job_id>", operations.JobView.as_view(), name="job"),
    path("api/v1/schema/", docs.SchemaView.as_view(), name="schema"),
    path("api/v1/docs/", docs.DocsView.as_view(), name="docs"),
    path("metrics", views.metrics, name="metrics"),
    path("problems/", views.problem_index, name="problems"),
    path("problems/<slug:code>", views.problem_page, name="problem"),
]
