"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.usage.api import (
    analytics,
    archives,
    batches,
    drift,
    exports,
    inbox,
    lateness,
    meters,
    quotas,
    reads,
    shippers,
    standing,
    views,
)
from apps.usage.api.alert_urls import urlpatterns as alert_routes

METERS = "provider/apis/<str:api_id>/meters"
urlpatterns = [
    path(METERS, meters.MetersView.as_view(), name="provider-api-meters"),
    path(f"{METERS}/sample", meters.MeterSampleView.as_view(), name="provider-api-meter-sample"),
    path(f"{METERS}/<str:meter_id>", meters.MeterView.as_view(), name="provider-api-meter"),
    path(
        f"{METERS}/<str:meter_id>/archive",
        meters.ArchiveMeterView.as_view(),
        name="provider-api-meter-archive",
    ),
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
    *alert_routes,
    path("analytics/usage", analytics.UsageAnalyticsView.as_view(), name="analytics-usage"),
    path(
        "analytics/usage/groups",
        analytics.UsageAnalyticsGroupsView.as_view(),
        name="analytics-usage-groups",
    ),
    path(
        "analytics/provider",
        analytics.ProviderAnalyticsView.as_view(),
        name="analytics-provider",
    ),
    path(
        "analytics/provider/groups",
        analytics.ProviderAnalyticsGroupsView.as_view(),
        name="analytics-provider-groups",
    ),
    path("admin/analytics", analytics.OperatorAnalyticsView.as_view(), name="admin-analytics"),
    path(
        "admin/analytics/groups",
        analytics.OperatorAnalyticsGroupsView.as_view(),
        name="admin-analytics-groups",
    ),
    path("admin/events/stats", inbox.EventStatsView.as_view(), name="admin-event-stats"),
    path("usage/batches", batches.UsageBatchesView.as_view(), name="usage-batches"),
    path("usage/batches/<str:batch_id>", batches.UsageBatchView.as_view(), name="usage-batch"),
    path(
        "usage/batches/<str:batch_id>/events",
        batches.UsageBatchEventsView.as_view(),
        name="usage-batch-events",
    ),
    path("usage/rejections", batches.UsageRejectionsView.as_view(), name="usage-rejections"),
    path("quota", quotas.QuotasView.as_view(), name="quotas"),
    path(
        "subscriptions/<str:subscription_id>/usage",
        standing.SubscriptionUsageView.as_view(),
        name="subscription-usage",
    ),
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
    path("usage/events/missing", drift.MissingEventsView.as_view(), name="usage-events-missing"),
    path(
        "usage/replays/<str:replay_id>/result",
        drift.ReplayResultView.as_view(),
        name="usage-replay-result",
    ),
    path(
        "admin/usage/counters/lower",
        drift.LowerCounterView.as_view(),
        name="admin-usage-counter-lower",
    ),
    path("admin/usage/drift", drift.DriftReportsView.as_view(), name="admin-usage-drift"),
    path(
        "admin/usage/drift/<str:report_id>",
        drift.DriftReportView.as_view(),
        name="admin-usage-drift-report",
    ),
    path("admin/usage/replays", drift.ReplaysView.as_view(), name="admin-usage-replays"),
    path(
        "admin/usage/replays/<str:replay_id>",
        drift.ReplayView.as_view(),
        name="admin-usage-replay",
    ),
    path("admin/usage/shippers", shippers.ShippersView.as_view(), name="admin-usage-shippers"),
    path(
        "admin/usage/shippers/<str:node>",
        shippers.ShipperView.as_view(),
        name="admin-usage-shipper",
    ),
    path("usage/exports", exports.ExportsView.as_view(), name="usage-exports"),
    path("usage/exports/<str:export_id>", exports.ExportView.as_view(), name="usage-export"),
    path(
        "usage/exports/<str:export_id>/cancel",
        exports.ExportCancelView.as_view(),
        name="usage-export-cancel",
    ),
    path(
        "usage/exports/<str:export_id>/download",
        exports.ExportDownloadView.as_view(),
        name="usage-export-download",
    ),
    path("admin/usage/exports", exports.OperatorExportsView.as_view(), name="admin-usage-exports"),
    path(
        "admin/usage/exports/<str:export_id>",
        exports.OperatorExportView.as_view(),
        name="admin-usage-export",
    ),
    path(
        "admin/usage/exports/<str:export_id>/cancel",
        exports.OperatorExportCancelView.as_view(),
        name="admin-usage-export-cancel",
    ),
    path(
        "admin/usage/exports/<str:export_id>/download",
        exports.OperatorExportDownloadView.as_view(),
        name="admin-usage-export-download",
    ),
    path("usage/late-events", lateness.LateEventsView.as_view(), name="usage-late-events"),
    path(
        "provider/usage/late-events",
        lateness.ProviderLateEventsView.as_view(),
        name="provider-usage-late-events",
    ),
    path(
        "admin/usage/late-events",
        lateness.EveryLateEventView.as_view(),
        name="admin-usage-late-events",
    ),
    path(
        "admin/usage/late-events/<str:event_id>/waive",
        lateness.WaiveLateEventView.as_view(),
        name="admin-usage-late-event-waive",
    ),
    path("admin/usage/rewinds", lateness.RewindsView.as_view(), name="admin-usage-rewinds"),
    path(
        "admin/usage/rewinds/<str:rewind_id>",
        lateness.RewindView.as_view(),
        name="admin-usage-rewind",
    ),
    path(
        "admin/usage/rewinds/<str:rewind_id>/differences",
        lateness.RewindDifferencesView.as_view(),
        name="admin-usage-rewind-differences",
    ),
    path("admin/usage/archives", archives.ArchivesView.as_view(), name="admin-usage-archives"),
    path(
        "admin/usage/archives/<str:archive_id>",
        archives.ArchiveView.as_view(),
        name="admin-usage-archive",
    ),
    path(
        "admin/usage/archives/<str:archive_id>/verify",
        archives.ArchiveVerifyView.as_view(),
        name="admin-usage-archive-verify",
    ),
    path("usage/windows", views.UsageWindowsView.as_view(), name="usage-windows"),
]
