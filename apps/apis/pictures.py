"""Pictures of strangers as small pictures of our own making.

A file is believed only after it was decoded. It is bounded before (bytes, kind, pixels), painted onto a fresh canvas, which
drops everything that is not a pixel, and written again.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from apps.apis.constants import MAX_LOGO_BYTES
from apps.apis.exceptions import PictureRefused

FORMATS: Final = ("PNG", "JPEG", "WEBP")
SIDE_PX: Final = 256
# A file of a few kB can stand for gigabytes of pixels.
MAX_PIXELS: Final = 16_000_000
CONTENT_TYPE: Final = "image/webp"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is safe to show, named by the digest of its bytes."""

    image: bytes
    content_type: str
    digest: str


def make_logo(content: bytes) -> Picture:
    """Return a PNG, JPEG or WebP file as a WebP of at most 256 × 256 pixels, without metadata, first frame only.

    Raises:
        PictureRefused: larger than 1 MB, not one of these kinds, damaged, or of too many pixels.
    """
    if len(content) > MAX_LOGO_BYTES:
        limit = MAX_LOGO_BYTES // (1024 * 1024)
        raise _refused(_("The picture is larger than %(limit)s MB.") % {"limit": limit})
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise _refused(_("The picture has too many pixels."))
            image = _repaint(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refused(_("The picture has too many pixels.")) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError):
        raise _refused(_("This is not a PNG, JPEG or WebP picture.")) from None
    return Picture(image, CONTENT_TYPE, hashlib.sha256(image).hexdigest())


def _repaint(picture: Image.Image) -> bytes:
    # Decodes a JPEG at a fraction of its size where that is enough.
    picture.draft("RGB", (SIDE_PX, SIDE_PX))
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((SIDE_PX, SIDE_PX))
    canvas = Image.new("RGBA", upright.size)
    canvas.paste(upright)
    written = io.BytesIO()
    canvas.save(written, "WEBP", quality=90, method=4)
    return written.getvalue()


def _refused(detail: str) -> PictureRefused:
    return PictureRefused(detail, field="logo")
