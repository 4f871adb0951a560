"""Static files, uploads, and how large a request may be."""

from __future__ import annotations

from pathlib import Path

from marketplace.settings.env import env_text
from marketplace.settings.product import BASE_DIR

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env_text("STATIC_ROOT", str(BASE_DIR / ".tollgate" / "static")))
MEDIA_ROOT = Path(env_text("MEDIA_ROOT", str(BASE_DIR / ".tollgate" / "media")))
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# Files included. Larger requests are refused by what they announce, before they are read.
MAX_REQUEST_BYTES = 32 * 1024 * 1024
