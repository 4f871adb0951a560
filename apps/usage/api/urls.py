"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.usage.api import quotas, reads, shippers, views

urlpatterns = [
    path("usage/events", views.UsageEventsView.as_view(), name="usage-events"),
    path("usage/events/<uuid:event_id>", reads.UsageEventView.as_view(), name="usage-event"),
    path("usage/series", reads.UsageSeriesView.as_view(), name="usage-series"),
    path(
        "provider/usage/events",
        reads.ProviderUsageEventsView.as_view(),
        name="provider-usage-events",
    ),
    path(
        "provider/usage/series",
        reads.ProviderUsageSeriesView.as_view(),
        name="provider-usage-series",
    ),
    path("usage/batches/<str:batch_id>", views.UsageBatchView.as_view(), name="usage-batch"),
    path("quota", quotas.QuotasView.as_view(), name="quotas"),
    path(
        "subscriptions/<str:subscription_id>/quota",
        quotas.SubscriptionQuotaView.as_view(),
        name="subscription-quota",
    ),
    path(
        "subscriptions/<str:subscription_id>/spend-cap",
        quotas.SpendCapView.as_view(),
        name="subscription-spend-cap",
    ),
    path("keys/<str:key_id>/quota", quotas.KeyQuotaView.as_view(), name="key-quota"),
    path(
        "admin/subscriptions/<str:subscription_id>/quota-top-ups",
        quotas.TopUpsView.as_view(),
        name="admin-quota-top-ups",
    ),
    path("admin/usage/shippers", shippers.ShippersView.as_view(), name="admin-usage-shippers"),
    path(
        "admin/usage/shippers/<str:node>",
        shippers.ShipperView.as_view(),
        name="admin-usage-shipper",
    ),
    path("usage/windows", views.UsageWindowsView.as_view(), name="usage-windows"),
]
