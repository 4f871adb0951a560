"""Development on this machine: mail goes to files, cookies work over plain HTTP."""

from __future__ import annotations

from marketplace.settings.base import *  # noqa: F403
from marketplace.settings.env import env_text

EMAIL_BACKEND = env_text("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
