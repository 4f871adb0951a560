"""Portal routes of this app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.notifications import views

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("console/notifications/", views.inbox, name="inbox"),
    path("console/notifications/read/", views.read_all, name="read_all"),
    path("console/notifications/<str:notification_id>/", views.open_notification, name="open"),
]
