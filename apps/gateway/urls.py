"""Routes of this app outside the REST interface."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.gateway import views

app_name = "gateway"
urlpatterns: list[URLPattern | URLResolver] = [
    path("internal/gateway/changes", views.changes, name="changes"),
]
