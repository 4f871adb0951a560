"""The REST API: who is heard, how often, and its schema."""

from __future__ import annotations

from marketplace.settings.api_rate_limits import DEFAULT_API_RATE_LIMITS
from marketplace.settings.env import env_choice, env_json
from marketplace.settings.product import ENVIRONMENT

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.api.authentication.ServiceTokenAuthentication",
        "apps.accounts.api.authentication.JWTAuthentication",
        "apps.accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.api.permissions.DeclaredPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.api.problems.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "PAGE_SIZE": 50,
    "COERCE_DECIMAL_TO_STRING": True,
}
# How often who may ask /api/…; `burst` is within one second. docs/operations/rate-limits.md.
API_RATE_LIMITS = env_json("API_RATE_LIMITS", DEFAULT_API_RATE_LIMITS)
# What holds while Valkey is away: `memory` counts in each process, `open` lets calls pass.
API_RATE_LIMIT_FALLBACK = env_choice(
    "API_RATE_LIMIT_FALLBACK",
    "open" if ENVIRONMENT == "production" else "memory",
    choices=("memory", "open"),
)
SPECTACULAR_SETTINGS = {
    "TITLE": "Tollgate API",
    "DESCRIPTION": "Publish, subscribe, call, meter and bill HTTP APIs.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ApiStatus": "apps.apis.enums.ApiStatus",
        "VersionStatus": "apps.apis.enums.VersionStatus",
        "ApprovalStatus": "apps.approvals.enums.ApprovalStatus",
        "PeriodStatus": "apps.billing.enums.PeriodStatus",
        "InvoiceStatus": "apps.billing.enums.InvoiceStatus",
        "PaymentStatus": "apps.billing.enums.PaymentStatus",
        "RefundStatus": "apps.billing.enums.RefundStatus",
        "EarningStatus": "apps.billing.enums.EarningStatus",
        "JobStatus": "apps.core.enums.JobStatus",
        "KeyStatus": "apps.keys.enums.KeyStatus",
        "PlanStatus": "apps.pricing.enums.PlanStatus",
        "PriceModel": "apps.pricing.enums.PriceModel",
        "PromotionKind": "apps.pricing.enums.PromotionKind",
        "PromotionDuration": "apps.pricing.enums.PromotionDuration",
        "CatalogueChange": "apps.pricing.api.catalogue_serializers.CATALOGUE_CHANGES",
        "PackageRounding": "apps.pricing.enums.PackageRoundings",
        "ChangeTiming": ["now", "period_end"],
        "SubscriptionChangeKind": "apps.subscriptions.enums.ChangeKind",
        "SubscriptionStatus": "apps.subscriptions.enums.SubscriptionStatus",
        "BatchStatus": "apps.usage.enums.BatchStatus",
        "BudgetPeriod": "apps.usage.enums.BudgetPeriod",
        "UsagePeriod": "apps.usage.chosen_period.KEYS",
        "DeadLetterState": "apps.core.enums.DeadLetterState",
        "LateResolution": "apps.usage.enums.LateResolution",
        "DifferenceState": "apps.usage.enums.DifferenceState",
        "EventFate": "apps.usage.enums.EventFate",
        "EventOutcome": "apps.usage.enums.EventOutcome",
        "MeterSource": "apps.usage.enums.MeterSource",
        "UnitRounding": "apps.usage.enums.UnitRounding",
        "QuantityRounding": "apps.pricing.calculator.QuantityRounding",
        "Role": "apps.accounts.enums.Role",
        "WebhookEndpointStatus": "apps.notifications.enums.EndpointStatus",
        "WebhookDeliveryStatus": "apps.notifications.enums.DeliveryStatus",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
}
