"""Production: may only tighten what `base` says."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from marketplace.settings.base import *  # noqa: F403
from marketplace.settings.base import ALLOWED_HOSTS, AUTHORIZER_SECRET, PUBLIC_URL, SECRET_KEY
from marketplace.settings.env import env_bool, env_text

REQUIRE_STAFF_MFA = env_bool("REQUIRE_STAFF_MFA", default=True)
SECURE_SSL_REDIRECT = env_bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
LANGUAGE_COOKIE_SECURE = True

if not PUBLIC_URL.startswith("https://"):
    raise ImproperlyConfigured("PUBLIC_URL must start with https:// in production.")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters in production.")
if len(AUTHORIZER_SECRET) < 32:
    raise ImproperlyConfigured("AUTHORIZER_SECRET must have at least 32 characters in production.")
if env_text("GATEWAY_RESOLVER_TRUSTED_NETWORKS", ""):
    raise ImproperlyConfigured("GATEWAY_RESOLVER_TRUSTED_NETWORKS must be empty in production.")
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts in production, not '*'.")
