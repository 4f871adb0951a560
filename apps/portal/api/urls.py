"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.portal.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("provider/analytics", views.ProviderAnalyticsView.as_view(), name="provider-analytics"),
]
