"""REST routes of what belongs to a provider's API."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path

from apps.apis.api import document_views as documents
from apps.apis.api import domain_views as domains
from apps.apis.api import listing_views as listings
from apps.apis.api import provider_views as provider

ONE: Final = "provider/apis/<str:api_id>"
IMPORT: Final = f"{ONE}/imports/<str:import_id>"
VERSION: Final = f"{ONE}/versions/<str:version_id>"

urlpatterns: list[URLPattern] = [
    path(f"{ONE}/openapi", documents.OpenApiImportView.as_view(), name="provider-api-openapi"),
    path(f"{ONE}/imports", documents.ImportsView.as_view(), name="provider-api-imports"),
    path(IMPORT, documents.ImportView.as_view(), name="provider-api-import"),
    path(f"{IMPORT}/apply", documents.ApplyImportView.as_view(), name="provider-api-import-apply"),
    path(
        f"{IMPORT}/discard",
        documents.DiscardImportView.as_view(),
        name="provider-api-import-discard",
    ),
    path(f"{ONE}/versions", documents.VersionsView.as_view(), name="provider-api-versions"),
    path(VERSION, documents.VersionView.as_view(), name="provider-api-version"),
    path(
        f"{VERSION}/publish",
        documents.PublishVersionView.as_view(),
        name="provider-api-version-publish",
    ),
    path(
        f"{VERSION}/make-current",
        documents.CurrentVersionView.as_view(),
        name="provider-api-version-current",
    ),
    path(
        f"{VERSION}/deprecate",
        documents.DeprecateVersionView.as_view(),
        name="provider-api-version-deprecate",
    ),
    path(
        f"{VERSION}/retire",
        documents.RetireVersionView.as_view(),
        name="provider-api-version-retire",
    ),
    path(f"{ONE}/deprecate", provider.DeprecateView.as_view(), name="provider-api-deprecate"),
    path(f"{ONE}/retire", provider.RetireView.as_view(), name="provider-api-retire"),
    path(f"{ONE}/logo", listings.LogoView.as_view(), name="provider-api-logo"),
    path(f"{ONE}/domains", domains.DomainsView.as_view(), name="provider-api-domains"),
    path(
        f"{ONE}/domains/<str:domain_id>", domains.DomainView.as_view(), name="provider-api-domain"
    ),
    path(
        f"{ONE}/domains/<str:domain_id>/verify",
        domains.VerifyDomainView.as_view(),
        name="provider-api-domain-verify",
    ),
    path(f"{ONE}/headers", listings.RequiredHeadersView.as_view(), name="provider-api-headers"),
    path(
        f"{ONE}/headers/<str:header_id>",
        listings.RequiredHeaderView.as_view(),
        name="provider-api-header",
    ),
    path(f"{ONE}/updates", listings.UpdatesView.as_view(), name="provider-api-updates"),
    path(
        f"{ONE}/updates/<str:update_id>/withdraw",
        listings.WithdrawUpdateView.as_view(),
        name="provider-api-update-withdraw",
    ),
    path(f"{ONE}/access", listings.AccessListView.as_view(), name="provider-api-access-list"),
    path(
        f"{ONE}/access/invitations",
        listings.AccessInvitationsView.as_view(),
        name="provider-api-access-invitations",
    ),
    path(
        f"{ONE}/access/<str:access_id>",
        listings.AccessView.as_view(),
        name="provider-api-access",
    ),
]
