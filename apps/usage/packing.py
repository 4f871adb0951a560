"""Bodies as they travel and as the inbox keeps them: gzip, which a row of thousands of events is a fifth of."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import InvalidInput
from apps.usage.constants import MAX_BODY_BYTES

GZIP: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 1


def read_body(body: bytes, encoding: str) -> bytes:
    """Return the body decompressed, up to a bound.

    Raises:
        InvalidInput: unknown encoding, broken gzip, or more than 16 MB.
    """
    if encoding in {"", "identity"}:
        plain = body
    elif encoding == "gzip":
        inflater = zlib.decompressobj(GZIP)
        try:
            plain = inflater.decompress(body, MAX_BODY_BYTES + 1)
        except zlib.error:
            raise InvalidInput(_("The body is not valid gzip."), code="invalid_gzip") from None
        if not inflater.eof and len(plain) <= MAX_BODY_BYTES:
            raise InvalidInput(_("The gzip body is cut off."), code="invalid_gzip")
    else:
        raise InvalidInput(_("Content-Encoding must be gzip or absent."), code="invalid_encoding")
    if len(plain) > MAX_BODY_BYTES:
        raise InvalidInput(_("The body is larger than 16 MB."), code="body_too_large")
    return plain


def split_lines(body: bytes) -> list[bytes]:
    """Return the events of a body that has one a line; empty lines are none."""
    return [line for line in body.splitlines() if line.strip()]


def join_events(raws: Sequence[bytes]) -> bytes:
    """Return events as a list in JSON."""
    return b"[" + b",".join(raws) + b"]"


def pack(body: bytes) -> bytes:
    """Return a body as the inbox keeps it."""
    return gzip.compress(body, compresslevel=_LEVEL, mtime=0)


def pack_events(raws: Sequence[bytes]) -> bytes:
    """Return some events of a body, as JSON, as the inbox keeps them."""
    return pack(join_events(raws))


def unpack(stored: bytes) -> bytes:
    """Return what `pack` was given; also what a client packed, with whatever it wrote behind it."""
    return zlib.decompressobj(GZIP).decompress(stored)
