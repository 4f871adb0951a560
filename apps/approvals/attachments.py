"""Which files may be attached to a comment, decided by their bytes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from apps.approvals.exceptions import AttachmentRefused

MAX_FILES: Final = 5
MAX_BYTES: Final = 2 * 1024 * 1024
MAX_NAME_LENGTH: Final = 150
_MAGIC: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_TEXT_CONTROLS: Final = frozenset("\t\n\r\f")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that may be attached."""

    name: str
    content_type: str
    content: bytes


def read_files(files: Sequence[File[bytes]]) -> list[ReadFile]:
    """Read files and find out what they are; the sender's content types are not believed.

    Raises:
        AttachmentRefused: more than five, empty, larger than 2 MiB, or neither PDF, PNG, JPEG, JSON nor UTF-8 text.
    """
    if len(files) > MAX_FILES:
        text = _("At most %(most)s files can be attached.") % {"most": MAX_FILES}
        raise AttachmentRefused(text, field="files")
    return [_read(file) for file in files]


def sniff(content: bytes) -> str:
    """Return the content type of accepted bytes; empty for all others."""
    for magic, content_type in _MAGIC:
        if content.startswith(magic):
            return content_type
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return ""
    if any(unicodedata.category(sign) == "Cc" and sign not in _TEXT_CONTROLS for sign in text):
        return ""
    return "application/json" if _is_json(text) else "text/plain"


def _is_json(text: str) -> bool:
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _read(file: File[bytes]) -> ReadFile:
    name = _clean_name(file.name or "")
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        text = _("“%(name)s” is larger than 2 MB.") % {"name": name}
        raise AttachmentRefused(text, field="files")
    if not content:
        raise AttachmentRefused(_("“%(name)s” is empty.") % {"name": name}, field="files")
    content_type = sniff(content)
    if not content_type:
        text = _("“%(name)s” is neither PDF, PNG, JPEG, JSON nor plain text.") % {"name": name}
        raise AttachmentRefused(text, field="files")
    return ReadFile(name, content_type, content)


def _clean_name(name: str) -> str:
    """Return the last part of a path without control characters; the end, with its suffix, is kept."""
    base = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(sign for sign in base if sign.isprintable()).strip()
    return printable[-MAX_NAME_LENGTH:] or "file"
