"""Tests: real PostgreSQL and Valkey from the environment, fixed secrets, mail kept in memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_FIXED = {
    "SECRET_KEY": "test-only-secret-key-that-is-long-enough-for-every-check-of-django",
    "KEY_PEPPERS": "1:test-only-pepper-with-enough-characters",
    "FIELD_ENCRYPTION_KEYS": "dGVzdC1vbmx5LWZlcm5ldC1rZXktMzItYnl0ZXMhISE=",
    "AUTHORIZER_SECRET": "test-only-authorizer-secret-0123456789",
    "STRIPE_SECRET_KEY": "sk_test_000000000000000000000000",
    "STRIPE_WEBHOOK_SECRET": "whsec_test_only",
    "ENVIRONMENT": "test",
}
for _name, _value in _FIXED.items():
    os.environ.setdefault(_name, _value)

from marketplace.settings.base import *  # noqa: E402, F403 -- after the environment is complete

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = Path(tempfile.gettempdir()) / "tollgate-test-media"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# Files are served from the source folders; nothing is collected for tests.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
# Tests of limits bring their own numbers; the others are not counted.
API_RATE_LIMITS = {"tiers": dict.fromkeys(API_RATE_LIMITS["tiers"])}  # noqa: F405
# Tests of it set it; the registries of the others hold only what they made.
DEFAULT_TENANT_LIMITS = {"per_second": None, "per_minute": None}
