"""Errors, metrics, logs."""

from __future__ import annotations

from marketplace.settings.env import env_text

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
