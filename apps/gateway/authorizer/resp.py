"""Valkey's wire format, as far as the decision path needs it: commands of text arguments."""

from __future__ import annotations


def bulk(text: str) -> bytes:
    """Encode one argument."""
    data = text.encode()
    return b"$%d\r\n%b\r\n" % (len(data), data)


def bulks(*texts: str) -> bytes:
    """Encode several arguments."""
    return b"".join([bulk(text) for text in texts])


def command(*texts: str) -> bytes:
    """Encode a whole command."""
    return b"*%d\r\n" % len(texts) + bulks(*texts)
