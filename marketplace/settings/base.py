"""Everything that all environments share. Environment variables are read through `env` only."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu import Queue

from marketplace.settings.api_rate_limits import DEFAULT_API_RATE_LIMITS
from marketplace.settings.env import (
    env_bool,
    env_choice,
    env_database,
    env_int,
    env_json,
    env_limits,
    env_list,
    env_networks,
    env_numbered,
    env_text,
)

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = env_text("ENVIRONMENT", "development")
RELEASE = env_text("RELEASE", "0.1.0")
NODE_NAME = env_text("NODE_NAME", "1")
DEBUG = False

# --- Product ---------------------------------------------------------------------------------
MARKETPLACE_NAME = env_text("MARKETPLACE_NAME", "Tollgate")
PUBLIC_URL = env_text("PUBLIC_URL", "http://localhost:8000").rstrip("/")
GATEWAY_URL = env_text("GATEWAY_URL", "http://localhost:8080").rstrip("/")
# What invoices say about the operator, beside MARKETPLACE_NAME and SUPPORT_EMAIL.
SELLER = {"address": env_text("SELLER_ADDRESS", ""), "tax_id": env_text("SELLER_TAX_ID", "")}
SUPPORT_EMAIL = env_text("SUPPORT_EMAIL", "support@localhost")

# --- Secrets ---------------------------------------------------------------------------------
SECRET_KEY = env_text("SECRET_KEY")
KEY_PEPPERS = env_numbered("KEY_PEPPERS")
FIELD_ENCRYPTION_KEYS = env_list("FIELD_ENCRYPTION_KEYS")

# --- Applications ----------------------------------------------------------------------------
INSTALLED_APPS = [
    "apps.portal",
    "apps.billing",
    "apps.usage",
    "apps.gateway",
    "apps.keys",
    "apps.subscriptions",
    "apps.pricing",
    "apps.apis",
    "apps.approvals",
    "apps.notifications",
    "apps.accounts",
    "apps.core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sites",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "apps.portal.backoffice.BackOfficeConfig",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "django_prometheus",
    "django_celery_beat",
    "djstripe",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "apps.core.middleware.RequestIdMiddleware",
    "apps.core.middleware.ApiSlashMiddleware",
    "apps.core.rate_limit_middleware.ApiRateLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "apps.core.middleware.RequestSizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.middleware.SessionActivityMiddleware",
    "apps.accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.DomainErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
SITE_ID = 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "apps.portal.context_processors.portal",
            ],
            "builtins": ["apps.core.templatetags.ui"],
        },
    },
]

# --- Database: PostgreSQL, nothing else ------------------------------------------------------
DATABASES = {"default": env_database("DATABASE_URL")}
DATABASES["default"].update(
    {
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        # It asks a connection of the pool whether it still lives before it lends it: without that, a
        # restart of PostgreSQL fails one request per connection that lay in the pool.
        "ENGINE": "apps.core.postgresql",
        # The pool's own way to ask makes a request wait for seconds.
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            "pool": {
                "min_size": 1,
                "max_size": env_int("DATABASE_POOL_SIZE", 8, minimum=1),
                "timeout": 10,
            },
            "application_name": f"tollgate-{NODE_NAME}",
        },
    }
)
# One generated migration of ours instead of the package's, whose second step alone takes 40 s.
MIGRATION_MODULES = {"djstripe": "marketplace.djstripe_migrations"}

# --- Valkey / Redis --------------------------------------------------------------------------
REDIS_URL = env_text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 2},
    }
}
# Sessions are in PostgreSQL too: without Valkey they are read from there, and nobody is signed out.
CACHES["sessions"] = {
    **CACHES["default"],
    "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 2, "IGNORE_EXCEPTIONS": True},
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "sessions"

# --- Celery ----------------------------------------------------------------------------------
CELERY_BROKER_URL = env_text("BROKER_URL", REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True  # JobRun rows are the record
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "apps.core.beat:HeartbeatScheduler"
# A worker without `-Q` serves all of them; a job that names another queue is refused at start.
JOB_QUEUES = ("default", "billing", "usage")
CELERY_TASK_DEFAULT_QUEUE = JOB_QUEUES[0]
CELERY_TASK_QUEUES = [Queue(name) for name in JOB_QUEUES]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# kombu sweeps unacknowledged tasks every interval x throttle; its default of 100 s delays the
# redelivery after a crash for that long.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 1800, "unacked_restore_interval": 5, "unacked_restore_throttle": 1}
    if CELERY_BROKER_URL.startswith(("redis://", "rediss://", "unix://"))
    else {}
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- Accounts --------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "apps.accounts.forms.SignupForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PUBLIC_URL.startswith("https") else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXY_COUNT", 0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = MARKETPLACE_NAME
# Browsers offer passkeys over plain http on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = PUBLIC_URL.startswith("http://")
USERSESSIONS_TRACK_ACTIVITY = True
# People of the operator need a second factor before the back office opens.
REQUIRE_STAFF_MFA = env_bool("REQUIRE_STAFF_MFA", default=False)
HEADLESS_ENABLED = True
HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "apps.accounts.jwt.TenantJWTTokenStrategy"  # noqa: S105 -- a path
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 300
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 86_400
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True

# --- REST ------------------------------------------------------------------------------------
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
# The platform's own plans, and the one of organizations that were given none. docs/domain/platform-plans.md.
PLATFORM_PLANS_FILE = env_text("PLATFORM_PLANS_FILE", str(BASE_DIR / "marketplace" / "plans.yml"))
PLATFORM_DEFAULT_PLAN = env_text(
    "PLATFORM_DEFAULT_PLAN", "free" if ENVIRONMENT == "production" else "team"
)
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

# --- Language, time --------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish")), ("fr", _("French")), ("hi", _("Hindi"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files -----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env_text("STATIC_ROOT", str(BASE_DIR / ".tollgate" / "static")))
MEDIA_ROOT = Path(env_text("MEDIA_ROOT", str(BASE_DIR / ".tollgate" / "media")))
MEDIA_URL = "/media/"
# A YAML file or a directory of them (docs/domain/catalogue-yaml.md); empty: the operator keeps none.
PRICING_CATALOGUE = env_text("PRICING_CATALOGUE", "")

USAGE_EVENTS_KEPT_MONTHS = env_int("USAGE_EVENTS_KEPT_MONTHS", 13, minimum=2)
USAGE_ARCHIVE_AFTER_MONTHS = env_int("USAGE_ARCHIVE_AFTER_MONTHS", 0, minimum=0)
USAGE_EXPORT_MAX_ROWS = env_int("USAGE_EXPORT_MAX_ROWS", 2_000_000, minimum=1)
USAGE_EXPORT_MAX_MB = env_int("USAGE_EXPORT_MAX_MB", 1024, minimum=1)
USAGE_EXPORT_DAYS = env_int("USAGE_EXPORT_DAYS", 7, minimum=1)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# Files included. Larger requests are refused by what they announce, before they are read.
MAX_REQUEST_BYTES = 32 * 1024 * 1024

# --- Payments --------------------------------------------------------------------------------
STRIPE_API_BASE = env_text("STRIPE_API_BASE", "https://api.stripe.com")
STRIPE_CHECKOUT_ORIGIN = (
    "https://checkout.stripe.com"
    if STRIPE_API_BASE == "https://api.stripe.com"
    else STRIPE_API_BASE
)
STRIPE_SECRET_KEY = env_text("STRIPE_SECRET_KEY", "")
STRIPE_PUBLISHABLE_KEY = env_text("STRIPE_PUBLISHABLE_KEY", "")
STRIPE_WEBHOOK_SECRET = env_text("STRIPE_WEBHOOK_SECRET", "")
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith("sk_live_")
if STRIPE_LIVE_MODE:
    STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY
else:
    STRIPE_TEST_SECRET_KEY = STRIPE_SECRET_KEY or "sk_test_not_configured_0000000"
if STRIPE_API_BASE != "https://api.stripe.com":
    STRIPE_API_HOST = STRIPE_API_BASE
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_WEBHOOK_VALIDATION = "verify_signature"

# --- Security --------------------------------------------------------------------------------
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        # "Add a card" is a form whose answer leads to Stripe's hosted page.
        "form-action": [SELF, STRIPE_CHECKOUT_ORIGIN],
        "frame-ancestors": [NONE],
    },
}
# host:port pairs that outgoing calls may reach although they are not public (development).
# Asked for the TXT records of providers' domains; empty: those of the machine.
NAME_SERVERS = env_list("GATEWAY_RESOLVER_UPSTREAMS")
OUTGOING_TRUSTED_HOSTS = frozenset(env_list("OUTGOING_TRUSTED_HOSTS"))
# The operator's own public networks: nobody may send us there.
OUTGOING_REFUSED_NETWORKS = env_networks("OUTGOING_REFUSED_NETWORKS")

# --- Mail ------------------------------------------------------------------------------------
EMAIL_BACKEND = env_text("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = env_text("EMAIL_HOST", "localhost")
EMAIL_PORT = env_int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env_text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env_text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = env_text("EMAIL_FILE_PATH", str(BASE_DIR / ".tollgate" / "mail"))
DEFAULT_FROM_EMAIL = env_text("DEFAULT_FROM_EMAIL", "Tollgate <no-reply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Gateway ---------------------------------------------------------------------------------
GATEWAY_ADMIN_SOCKET = env_text("GATEWAY_ADMIN_SOCKET", "")
AUTHORIZER_BIND = env_text("AUTHORIZER_BIND", "127.0.0.1:8090")
AUTHORIZER_SECRET = env_text("AUTHORIZER_SECRET", "")
GATEWAY_ACCESS_LOG = env_text("GATEWAY_ACCESS_LOG", "")
GATEWAY_JOURNAL_DIR = env_text("GATEWAY_JOURNAL_DIR", "")

# --- Keys ------------------------------------------------------------------------------------
# Above so many keys made in 24 hours, or rotated by hand in an hour, an organization's owners and operators are told.
KEY_ALERT_CREATED = env_int("KEY_ALERT_CREATED", 10, minimum=1)
KEY_ALERT_ROTATED = env_int("KEY_ALERT_ROTATED", 5, minimum=1)
# Where the public keys are published that sign reports of leaked keys; empty switches the endpoint off.
SECRET_SCANNING_KEYS_URL = env_text(
    "SECRET_SCANNING_KEYS_URL", "https://api.github.com/meta/public_keys/secret_scanning"
)

# --- Usage -----------------------------------------------------------------------------------
# Events of senders other than our own gateway may be so many days old; older ones are rejected.
# Subscribers are moved to a newer version of their plan so many days after they were told, or later.
PLAN_MOVE_NOTICE_DAYS = env_int("PLAN_MOVE_NOTICE_DAYS", 30, minimum=0)
USAGE_ACCEPTED_PAST_DAYS = env_int("USAGE_ACCEPTED_PAST_DAYS", 35, minimum=1)

# --- Tenants ---------------------------------------------------------------------------------
# What any one consumer organization may call, all its keys together; null: no limit.
# A tenth of what Amazon API Gateway gives an account in a region: docs/operations/noisy-tenant.md.
DEFAULT_TENANT_LIMITS = env_limits(
    "DEFAULT_TENANT_LIMITS", {"per_second": 1000, "per_minute": None}
)

# --- Observability ---------------------------------------------------------------------------
SENTRY_DSN = env_text("SENTRY_DSN", "")
# Lets a Prometheus on another machine read /metrics; this machine itself always may.
METRICS_TOKEN = env_text("METRICS_TOKEN", "")
LOG_LEVEL = env_text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "apps.core.logging.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
