"""Portal routes of this app."""

from __future__ import annotations

from django.urls import path

from apps.usage import views

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
    path("console/provider/usage/", views.provider, name="provider"),
    path("console/provider/usage/calls/", views.provider_calls, name="provider_calls"),
    path("console/provider/usage/<str:api_id>/", views.provider_api, name="provider_api"),
]
