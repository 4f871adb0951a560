"""The batch endpoint reads its body itself."""

from __future__ import annotations

from typing import IO, Any

from rest_framework.parsers import BaseParser


class RawJsonParser(BaseParser):
    """Accepts JSON and leaves it alone: msgspec validates the batch, event by event."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Return nothing; the view reads `request.body`."""
        del stream, media_type, parser_context
        return {}


class RawLinesParser(RawJsonParser):
    """The same for a body with an event a line."""

    media_type = "application/x-ndjson"
