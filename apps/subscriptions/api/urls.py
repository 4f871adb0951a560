"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.subscriptions.api import views

ONE = "subscriptions/<str:subscription_id>"
PROVIDED = "provider/subscriptions/<str:subscription_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("subscriptions", views.SubscriptionsView.as_view(), name="subscription-list"),
    path(ONE, views.SubscriptionView.as_view(), name="subscription"),
    path(f"{ONE}/changes", views.ChangesView.as_view(), name="subscription-changes"),
    path(f"{ONE}/cancel", views.CancelView.as_view(), name="subscription-cancel"),
    path(f"{ONE}/keep", views.KeepView.as_view(), name="subscription-keep"),
    path(f"{ONE}/pause", views.PauseView.as_view(), name="subscription-pause"),
    path(f"{ONE}/resume", views.ResumeView.as_view(), name="subscription-resume"),
    path("provider/subscriptions", views.SubscribersView.as_view(), name="subscriber-list"),
    path(PROVIDED, views.SubscriberView.as_view(), name="subscriber"),
    path(f"{PROVIDED}/accept", views.AcceptView.as_view(), name="subscriber-accept"),
    path(f"{PROVIDED}/decline", views.DeclineView.as_view(), name="subscriber-decline"),
    path(f"{PROVIDED}/suspend", views.SuspendSubscriberView.as_view(), name="subscriber-suspend"),
    path(f"{PROVIDED}/resume", views.ResumeSubscriberView.as_view(), name="subscriber-resume"),
]
