"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.notifications.api import preference_views, views, webhook_views

ENDPOINTS = "webhook-endpoints"
ENDPOINT = f"{ENDPOINTS}/<str:endpoint_id>"
DELIVERY = "webhook-deliveries/<str:delivery_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("notifications", views.NotificationListView.as_view(), name="notification-list"),
    path("notifications/unread", views.UnreadCountView.as_view(), name="notification-unread"),
    path("notifications/read", views.ReadAllView.as_view(), name="notification-read-all"),
    path(
        "notifications/preferences",
        preference_views.PreferencesView.as_view(),
        name="notification-preferences",
    ),
    path(
        "notifications/<str:notification_id>/read",
        views.NotificationReadView.as_view(),
        name="notification-read",
    ),
    path(ENDPOINTS, webhook_views.WebhookEndpointsView.as_view(), name="webhook-endpoints"),
    path(ENDPOINT, webhook_views.WebhookEndpointView.as_view(), name="webhook-endpoint"),
    path(
        f"{ENDPOINT}/rotate-secret",
        webhook_views.RotateSecretView.as_view(),
        name="webhook-endpoint-rotate-secret",
    ),
    path(f"{ENDPOINT}/test", webhook_views.TestEventView.as_view(), name="webhook-endpoint-test"),
    path(
        f"{ENDPOINT}/deliveries",
        webhook_views.DeliveriesView.as_view(),
        name="webhook-endpoint-deliveries",
    ),
    path(
        f"{ENDPOINT}/replay",
        webhook_views.ReplayFailedView.as_view(),
        name="webhook-endpoint-replay",
    ),
    path(DELIVERY, webhook_views.DeliveryView.as_view(), name="webhook-delivery"),
    path(
        f"{DELIVERY}/replay",
        webhook_views.ReplayDeliveryView.as_view(),
        name="webhook-delivery-replay",
    ),
    path("webhook-event-types", webhook_views.EventTypesView.as_view(), name="webhook-event-types"),
]
