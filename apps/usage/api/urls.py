"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.usage.api import views

urlpatterns = [
    path("usage/events", views.UsageEventsView.as_view(), name="usage-events"),
    path("usage/batches/<str:batch_id>", views.UsageBatchView.as_view(), name="usage-batch"),
    path("usage/windows", views.UsageWindowsView.as_view(), name="usage-windows"),
]
