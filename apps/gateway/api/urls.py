"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.gateway.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/gateway/nodes", views.NodesView.as_view(), name="gateway-nodes"),
    path("admin/gateway/reconcile", views.ReconcileView.as_view(), name="gateway-reconcile"),
    path("admin/gateway/reports", views.ReportsView.as_view(), name="gateway-reports"),
]
