"""Portal routes of this app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.notifications.views import inbox

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("console/notifications/", inbox.inbox, name="inbox"),
    path("console/notifications/read/", inbox.read_all, name="read_all"),
    path("console/notifications/<str:notification_id>/", inbox.open_notification, name="open"),
]
