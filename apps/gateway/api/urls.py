"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.gateway.api import explaining, throttles, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/gateway", views.OverviewView.as_view(), name="gateway"),
    path("admin/gateway/entries", views.EntriesView.as_view(), name="gateway-entries"),
    path(
        "admin/gateway/entries/<str:entry_id>/retry",
        views.RetryEntryView.as_view(),
        name="gateway-entry-retry",
    ),
    path("admin/gateway/explain", explaining.ExplainView.as_view(), name="gateway-explain"),
    path("admin/gateway/nodes", views.NodesView.as_view(), name="gateway-nodes"),
    path("admin/gateway/reconcile", views.ReconcileView.as_view(), name="gateway-reconcile"),
    path("admin/gateway/throttles", throttles.ThrottlesView.as_view(), name="gateway-throttles"),
    path(
        "admin/gateway/throttles/<str:throttle_id>",
        throttles.ThrottleView.as_view(),
        name="gateway-throttle",
    ),
    path(
        "admin/gateway/throttles/<str:throttle_id>/lift",
        throttles.LiftView.as_view(),
        name="gateway-throttle-lift",
    ),
    path("admin/gateway/reports", views.ReportsView.as_view(), name="gateway-reports"),
    path(
        "admin/gateway/reports/<str:report_id>", views.ReportView.as_view(), name="gateway-report"
    ),
]
