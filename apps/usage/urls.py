"""Portal routes of this app."""

from __future__ import annotations

from django.urls import path

from apps.usage import anomaly_views, budget_views, intake_views, live_views, views

app_name = "usage"
urlpatterns = [
    path("console/usage/", views.overview, name="overview"),
    path("console/usage/calls/", views.calls, name="calls"),
    path("console/usage/calls/<uuid:event_id>/", views.call, name="call"),
    path("console/usage/late/", views.late_events, name="late_events"),
    path("console/usage/exports/", views.exports, name="exports"),
    path("console/usage/exports/live/", views.exports_live, name="exports_live"),
    path("console/usage/exports/<str:export_id>/", views.download_export, name="export_download"),
    path(
        "console/usage/exports/<str:export_id>/cancel/", views.cancel_export, name="export_cancel"
    ),
    path("console/usage/live/", live_views.live, name="live"),
    path("console/usage/live/now/", live_views.live_now, name="live_now"),
    path("console/provider/usage/live/", live_views.provider_live, name="provider_live"),
    path(
        "console/provider/usage/live/now/", live_views.provider_live_now, name="provider_live_now"
    ),
    path("console/usage/anomalies/", anomaly_views.anomalies, name="anomalies"),
    path("console/usage/anomalies/<str:anomaly_id>/", anomaly_views.anomaly, name="anomaly"),
    path("console/usage/budgets/", budget_views.budgets, name="budgets"),
    path("console/usage/budgets/new/", budget_views.new_budget, name="budget_new"),
    path("console/usage/budgets/<str:budget_id>/", budget_views.budget, name="budget"),
    path(
        "console/usage/budgets/<str:budget_id>/edit/", budget_views.edit_budget, name="budget_edit"
    ),
    path(
        "console/usage/budgets/<str:budget_id>/archive/",
        budget_views.remove_budget,
        name="budget_archive",
    ),
    path("console/provider/intake/", intake_views.intake, name="intake"),
    path(
        "console/provider/intake/rejections/",
        intake_views.intake_rejections,
        name="intake_rejections",
    ),
    path("console/provider/intake/<str:batch_id>/", intake_views.intake_batch, name="intake_batch"),
    path("console/provider/usage/", views.provider, name="provider"),
    path("console/provider/usage/late/", views.provider_late_events, name="provider_late_events"),
    path("console/provider/usage/calls/", views.provider_calls, name="provider_calls"),
    path("console/provider/usage/<str:api_id>/", views.provider_api, name="provider_api"),
]
