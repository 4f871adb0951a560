"""Outgoing mail."""

from __future__ import annotations

from marketplace.settings.env import env_bool, env_int, env_text
from marketplace.settings.product import BASE_DIR

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
