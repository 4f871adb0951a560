"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.pricing.api import catalogue_views as catalogue
from apps.pricing.api import comparison_views, invitation_views, views
from apps.pricing.api import promotion_views as promotions

ONE = "provider/plans/<str:plan_id>"
PROMOTION = "provider/promotions/<str:promotion_id>"
OPERATORS = "admin/promotions/<str:promotion_id>"
VERSIONS = f"{ONE}/versions"
MODELS = "admin/pricing/models"
CATALOGUE = "admin/pricing/catalogue"
REVISION = f"{CATALOGUE}/revisions/<int:number>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("provider/plans", views.ProviderPlansView.as_view(), name="provider-plan-list"),
    path(
        "provider/plans/from-model",
        catalogue.PlanFromModelView.as_view(),
        name="provider-plan-from-model",
    ),
    path(ONE, views.ProviderPlanView.as_view(), name="provider-plan"),
    path(f"{ONE}/publish", views.PublishPlanView.as_view(), name="provider-plan-publish"),
    path(f"{ONE}/deprecate", views.DeprecatePlanView.as_view(), name="provider-plan-deprecate"),
    path(f"{ONE}/close", views.ClosePlanView.as_view(), name="provider-plan-close"),
    path(
        f"{ONE}/invitations",
        invitation_views.PlanInvitationsView.as_view(),
        name="provider-plan-invitations",
    ),
    path(
        f"{ONE}/invitations/mail",
        invitation_views.PlanInvitationMailView.as_view(),
        name="provider-plan-invitation-mail",
    ),
    path(
        f"{ONE}/invitations/<str:invitation_id>",
        invitation_views.PlanInvitationView.as_view(),
        name="provider-plan-invitation",
    ),
    path(VERSIONS, views.PriceVersionsView.as_view(), name="provider-plan-versions"),
    path(
        f"{VERSIONS}/<str:version_id>/publish",
        views.PublishVersionView.as_view(),
        name="provider-plan-version-publish",
    ),
    path(
        f"{VERSIONS}/<str:version_id>/differences",
        comparison_views.VersionDifferencesView.as_view(),
        name="provider-plan-version-differences",
    ),
    path(
        "marketplace/apis/<slug:slug>/plans/compare",
        comparison_views.ComparePlansView.as_view(),
        name="marketplace-plans-compare",
    ),
    path(
        "marketplace/apis/<slug:slug>/plans", views.OffersView.as_view(), name="marketplace-plans"
    ),
    path(
        "provider/promotions",
        promotions.ProviderPromotionsView.as_view(),
        name="provider-promotion-list",
    ),
    path(PROMOTION, promotions.ProviderPromotionView.as_view(), name="provider-promotion"),
    path(
        f"{PROMOTION}/deactivate",
        promotions.DeactivatePromotionView.as_view(),
        name="provider-promotion-deactivate",
    ),
    path(
        f"{PROMOTION}/activate",
        promotions.ActivatePromotionView.as_view(),
        name="provider-promotion-activate",
    ),
    path(
        "admin/promotions",
        promotions.OperatorPromotionsView.as_view(),
        name="operator-promotion-list",
    ),
    path(OPERATORS, promotions.OperatorPromotionView.as_view(), name="operator-promotion"),
    path(
        f"{OPERATORS}/deactivate",
        promotions.DeactivateOperatorPromotionView.as_view(),
        name="operator-promotion-deactivate",
    ),
    path(
        f"{OPERATORS}/activate",
        promotions.ActivateOperatorPromotionView.as_view(),
        name="operator-promotion-activate",
    ),
    path("pricing/quote", views.QuoteView.as_view(), name="pricing-quote"),
    path(f"{ONE}/follow", catalogue.FollowModelView.as_view(), name="provider-plan-follow"),
    path("pricing/models", catalogue.PricingModelsView.as_view(), name="pricing-models"),
    path("pricing/models/<slug:key>", catalogue.PricingModelView.as_view(), name="pricing-model"),
    path(
        "pricing/catalogue/schema",
        catalogue.CatalogueSchemaView.as_view(),
        name="pricing-catalogue-schema",
    ),
    path(MODELS, catalogue.AdminModelsView.as_view(), name="admin-pricing-models"),
    path(f"{MODELS}/<slug:key>", catalogue.AdminModelView.as_view(), name="admin-pricing-model"),
    path(
        f"{MODELS}/<slug:key>/activate",
        catalogue.ActivateModelView.as_view(),
        name="admin-pricing-model-activate",
    ),
    path(
        f"{MODELS}/<slug:key>/deactivate",
        catalogue.DeactivateModelView.as_view(),
        name="admin-pricing-model-deactivate",
    ),
    path(
        f"{MODELS}/<slug:key>/versions",
        catalogue.ModelVersionsView.as_view(),
        name="admin-pricing-model-versions",
    ),
    path(CATALOGUE, catalogue.CatalogueView.as_view(), name="admin-pricing-catalogue"),
    path(f"{CATALOGUE}/reload", catalogue.ReloadView.as_view(), name="admin-pricing-reload"),
    path(f"{CATALOGUE}/loads", catalogue.LoadsView.as_view(), name="admin-pricing-loads"),
    path(
        f"{CATALOGUE}/revisions", catalogue.RevisionsView.as_view(), name="admin-pricing-revisions"
    ),
    path(REVISION, catalogue.RevisionView.as_view(), name="admin-pricing-revision"),
    path(
        f"{REVISION}/differences",
        catalogue.RevisionDifferencesView.as_view(),
        name="admin-pricing-revision-differences",
    ),
    path(f"{REVISION}/rollback", catalogue.RollbackView.as_view(), name="admin-pricing-rollback"),
]
