"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.apis.api import health_views, publishing_urls, verification_views
from apps.apis.api import marketplace_views as marketplace
from apps.apis.api import provider_views as provider

ONE = "provider/apis/<str:api_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "provider/verification",
        verification_views.VerificationView.as_view(),
        name="provider-verification",
    ),
    path("provider/apis", provider.ProviderApisView.as_view(), name="provider-api-list"),
    path(ONE, provider.ProviderApiView.as_view(), name="provider-api"),
    *publishing_urls.urlpatterns,
    path(f"{ONE}/upstream-check", provider.UpstreamCheckView.as_view(), name="provider-api-check"),
    path(f"{ONE}/health", health_views.HealthView.as_view(), name="provider-api-health"),
    path(f"{ONE}/submit", provider.SubmitView.as_view(), name="provider-api-submit"),
    path(f"{ONE}/status", provider.StatusView.as_view(), name="provider-api-status"),
    path(f"{ONE}/retry", provider.RetryView.as_view(), name="provider-api-retry"),
    path(f"{ONE}/suspend", provider.SuspendView.as_view(), name="provider-api-suspend"),
    path(f"{ONE}/resume", provider.ResumeView.as_view(), name="provider-api-resume"),
    path(f"{ONE}/secrets", provider.SecretsView.as_view(), name="provider-api-secrets"),
    path(
        f"{ONE}/secrets/<str:secret_id>", provider.SecretView.as_view(), name="provider-api-secret"
    ),
    path("marketplace/apis", marketplace.CatalogueView.as_view(), name="marketplace-api-list"),
    path("marketplace/apis/<slug:slug>", marketplace.ListingView.as_view(), name="marketplace-api"),
    path(
        "marketplace/categories",
        marketplace.CategoriesView.as_view(),
        name="marketplace-categories",
    ),
]
