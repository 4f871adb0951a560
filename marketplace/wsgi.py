"""WSGI entry point of the web process."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.local")
application = get_wsgi_application()

from apps.core.startup import require_ready  # noqa: E402 -- the apps are loaded now

require_ready()
# What is loaded by now stays for good: looking through it again and again would make requests wait.
gc.collect()
gc.freeze()
