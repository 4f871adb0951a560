"""REST routes of budgets, anomalies and the live view, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.usage.api import anomalies, budgets, live

urlpatterns = [
    path("usage/anomalies", anomalies.AnomaliesView.as_view(), name="usage-anomalies"),
    path("usage/anomalies/<str:anomaly_id>", anomalies.AnomalyView.as_view(), name="usage-anomaly"),
    path(
        "usage/anomaly-settings",
        anomalies.AnomalySettingsView.as_view(),
        name="usage-anomaly-settings",
    ),
    path("usage/live", live.UsageLiveView.as_view(), name="usage-live"),
    path("provider/usage/live", live.ProviderUsageLiveView.as_view(), name="provider-usage-live"),
    path("admin/usage/live", live.AdminUsageLiveView.as_view(), name="admin-usage-live"),
    path("usage/budgets", budgets.BudgetsView.as_view(), name="usage-budgets"),
    path("usage/budgets/<str:budget_id>", budgets.BudgetView.as_view(), name="usage-budget"),
    path(
        "usage/budgets/<str:budget_id>/alerts",
        budgets.BudgetAlertsView.as_view(),
        name="usage-budget-alerts",
    ),
]
