"""Portal routes of this app."""

from __future__ import annotations

from django.urls import path

from apps.usage import budget_views, views

app_name = "usage"
urlpatterns = [
    path("console/usage/", views.overview, name="overview"),
    path("console/usage/calls/", views.calls, name="calls"),
    path("console/usage/calls/<uuid:event_id>/", views.call, name="call"),
    path("console/usage/exports/", views.exports, name="exports"),
    path("console/usage/exports/live/", views.exports_live, name="exports_live"),
    path("console/usage/exports/<str:export_id>/", views.download_export, name="export_download"),
    path(
        "console/usage/exports/<str:export_id>/cancel/", views.cancel_export, name="export_cancel"
    ),
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
    path("console/provider/usage/", views.provider, name="provider"),
    path("console/provider/usage/calls/", views.provider_calls, name="provider_calls"),
    path("console/provider/usage/<str:api_id>/", views.provider_api, name="provider_api"),
]
