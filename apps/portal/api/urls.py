"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.portal.api import account_deletion, views

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "me/deletion-request",
        account_deletion.DeletionRequestView.as_view(),
        name="deletion-request",
    ),
    path(
        "me/deletion-request/answer",
        account_deletion.DeletionAnswerView.as_view(),
        name="deletion-request-answer",
    ),
    path("provider/analytics", views.ProviderAnalyticsView.as_view(), name="provider-analytics"),
]
