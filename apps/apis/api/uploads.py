"""Files that are sent: refused by their announced size, before a byte of them is read."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.apis.exceptions import DocumentTooLarge

# The other parts of a multipart body, and its boundaries.
ENVELOPE_BYTES: Final = 64 * 1024


def require_small_body(request: Request, *, max_bytes: int, field: str) -> None:
    """Look at what the client announces; call it before anything reads `request.data`.

    Raises:
        DocumentTooLarge: 413, naming the field.
    """
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdecimal() and int(announced) > max_bytes + ENVELOPE_BYTES:
        limit = max_bytes // (1024 * 1024)
        raise DocumentTooLarge(
            _("The file is larger than %(limit)s MB.") % {"limit": limit}, field=field
        )
