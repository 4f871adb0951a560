"""Portal routes of this app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.notifications.views import deliveries, inbox, preferences, webhooks

WEBHOOKS = "console/organization/webhooks/"
WEBHOOK = f"{WEBHOOKS}<str:endpoint_id>/"
DELIVERY = f"{WEBHOOKS}deliveries/<str:delivery_id>/"

app_name = "notifications"
urlpatterns: list[URLPattern | URLResolver] = [
    path("console/notifications/", inbox.inbox, name="inbox"),
    path("console/notifications/read/", inbox.read_all, name="read_all"),
    path("console/notifications/preferences/", preferences.preferences, name="preferences"),
    path("console/notifications/<str:notification_id>/", inbox.open_notification, name="open"),
    path("notifications/unsubscribe/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
    path(WEBHOOKS, webhooks.webhooks, name="webhooks"),
    path(f"{WEBHOOKS}new/", webhooks.create, name="webhook_create"),
    path(f"{WEBHOOKS}events/", webhooks.reference, name="webhook_reference"),
    path(DELIVERY, deliveries.delivery, name="webhook_delivery"),
    path(f"{DELIVERY}replay/", deliveries.replay, name="webhook_delivery_replay"),
    path(WEBHOOK, webhooks.webhook, name="webhook"),
    path(f"{WEBHOOK}edit/", webhooks.edit, name="webhook_edit"),
    path(f"{WEBHOOK}rotate/", webhooks.rotate, name="webhook_rotate"),
    path(f"{WEBHOOK}delete/", webhooks.delete, name="webhook_delete"),
    path(f"{WEBHOOK}status/", webhooks.switch, name="webhook_status"),
    path(f"{WEBHOOK}test/", webhooks.send_test, name="webhook_test"),
    path(f"{WEBHOOK}replay/", webhooks.replay_failed, name="webhook_replay"),
]
