"""Routes without a business noun."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.core import views
from apps.core.api import dead_letters, docs, operations

app_name = "core"
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/health", operations.HealthView.as_view(), name="health"),
    path("api/health/live", operations.LiveView.as_view(), name="health-live"),
    path("api/health/ready", operations.ReadyView.as_view(), name="health-ready"),
    path("api/jobs/status/<str:job_id>", operations.JobView.as_view(), name="job-status"),
    path("api/v1/jobs/<str:job_id>", operations.JobView.as_view(), name="job"),
    path(
        "api/v1/admin/events/dead-letters",
        dead_letters.DeadLettersView.as_view(),
        name="dead-letters",
    ),
    path(
        "api/v1/admin/events/dead-letters/retry",
        dead_letters.DeadLettersRetryView.as_view(),
        name="dead-letters-retry",
    ),
    path(
        "api/v1/admin/events/dead-letters/<str:letter_id>",
        dead_letters.DeadLetterView.as_view(),
        name="dead-letter",
    ),
    path(
        "api/v1/admin/events/dead-letters/<str:letter_id>/retry",
        dead_letters.DeadLetterRetryView.as_view(),
        name="dead-letter-retry",
    ),
    path(
        "api/v1/admin/events/dead-letters/<str:letter_id>/discard",
        dead_letters.DeadLetterDiscardView.as_view(),
        name="dead-letter-discard",
    ),
    path("api/v1/schema/", docs.SchemaView.as_view(), name="schema"),
    path("api/v1/docs/", docs.DocsView.as_view(), name="docs"),
    path("metrics", views.metrics, name="metrics"),
    path("problems/", views.problem_index, name="problems"),
    path("problems/<slug:code>", views.problem_page, name="problem"),
]
