"""Logs of the data plane's processes: one JSON object a line on stderr, like Tollgate's other processes."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec

# Libraries that tell each request they make.
_QUIET = ("httpx", "httpcore")


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, process and message."""

    def __init__(self, process: str) -> None:
        """Name the process that speaks."""
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def log_to_stderr(process: str) -> None:
    """Send this process's logs to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
