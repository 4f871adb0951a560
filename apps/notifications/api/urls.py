"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.notifications.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("notifications", views.NotificationListView.as_view(), name="notification-list"),
    path("notifications/unread", views.UnreadCountView.as_view(), name="notification-unread"),
    path("notifications/read", views.ReadAllView.as_view(), name="notification-read-all"),
    path(
        "notifications/<str:notification_id>/read",
        views.NotificationReadView.as_view(),
        name="notification-read",
    ),
]
