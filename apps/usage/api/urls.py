"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.usage.api import reads, views

urlpatterns = [
    path("usage/events", views.UsageEventsView.as_view(), name="usage-events"),
    path("usage/events/<uuid:event_id>", reads.UsageEventView.as_view(), name="usage-event"),
    path("usage/series", reads.UsageSeriesView.as_view(), name="usage-series"),
    path(
        "provider/usage/events",
        reads.ProviderUsageEventsView.as_view(),
        name="provider-usage-events",
    ),
    path(
        "provider/usage/series",
        reads.ProviderUsageSeriesView.as_view(),
        name="provider-usage-series",
    ),
    path("usage/batches/<str:batch_id>", views.UsageBatchView.as_view(), name="usage-batch"),
    path("usage/windows", views.UsageWindowsView.as_view(), name="usage-windows"),
]
