"""Usage events: what a journal line and an access-log line say together.

Source: docs/architecture/gateway.md §6, §7.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from apps.gateway.journal import JournalRecord

SOURCE: Final = "gateway"
_MS: Final = 1000
_MAX_METHOD_CHARS: Final = 10
_MAX_PATH_CHARS: Final = 1024
_MAX_METER_VALUES: Final = 20
_METER_PAIR: Final = re.compile(r'([A-Za-z][A-Za-z0-9_.-]{0,59}) ?= ?"?([!#-+\--:<>-~]{1,60})"?')
_NEXT_LINE: Final = b'{"level":'


class LogRequest(msgspec.Struct, frozen=True):
    """The part of the logged request that events need."""

    method: str
    client_ip: str = ""


class LogLine(msgspec.Struct, frozen=True, rename={"request_id": "uuid"}):
    """One line of Caddy's access log. `ts` is when the call ended, in seconds; `duration` too.

    Caddy itself logs the request id, as `uuid`.
    """

    ts: float
    request: LogRequest
    status: int
    size: int
    bytes_read: int
    duration: float
    request_id: str | None = None
    subscription_id: str | None = None
    upstream_latency_ms: float | None = None
    gateway_error: str | None = None
    meter: str | None = None

    @property
    def is_allowed_call(self) -> bool:
        """Tell whether the authorizer allowed this call; refused ones are not billable."""
        return bool(self.subscription_id)


class UsageEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call for intake. Measurements are null when the call is unconfirmed."""

    id: str
    source: str
    occurred_at: str
    request_id: str
    key_id: str
    subscription_id: str
    api_id: str
    method: str
    path: str
    status: int | None
    latency_ms: float | None
    upstream_latency_ms: float | None
    request_bytes: int | None
    response_bytes: int | None
    outcome: Literal["completed", "unconfirmed"]
    properties: dict[str, Any]
    clock_offset_ms: int | None = None


_log_decoder: Final = msgspec.json.Decoder(LogLine)


def parse_log_line(line: bytes) -> LogLine | None:
    """Read a line of the access log; None when it is none.

    A proxy that was killed while writing leaves a torn line, and its successor writes behind it: the last
    whole object of such a line is read.
    """
    start = 0
    while start >= 0:
        try:
            return _log_decoder.decode(line[start:])
        except msgspec.MsgspecError:
            start = line.find(_NEXT_LINE, start + 1)
    return None


def completed_event(record: JournalRecord, line: LogLine) -> UsageEvent:
    """Return the event of a call that the access log closed."""
    is_own_answer = line.gateway_error or not line.is_allowed_call
    upstream = None if is_own_answer else line.upstream_latency_ms
    return _event(
        record,
        status=line.status,
        latency_ms=round(line.duration * _MS, 3),
        upstream_latency_ms=None if upstream is None else round(upstream, 3),
        request_bytes=line.bytes_read,
        response_bytes=line.size,
        outcome="completed",
        properties=meter_values(line.meter) if line.meter else {},
    )


def unconfirmed_event(record: JournalRecord) -> UsageEvent:
    """Return the event of a call whose end nobody logged."""
    return _event(
        record,
        status=None,
        latency_ms=None,
        upstream_latency_ms=None,
        request_bytes=None,
        response_bytes=None,
        outcome="unconfirmed",
        properties={},
    )


def meter_values(header: str) -> dict[str, str]:
    """Read what the upstream said in `X-Meter`, such as `tokens=381, rows=4`.

    Values stay texts: whether one is a number is for its meter to judge, which also tells its provider when none came.
    Names are in lower case; of two values of one name the last counts. What cannot be read is left out.
    """
    pairs = (_METER_PAIR.fullmatch(part.strip()) for part in header.split(",", _MAX_METER_VALUES))
    return {pair[1].lower(): pair[2] for pair in pairs if pair is not None}


def format_time(milliseconds: int) -> str:
    """Write Unix milliseconds as RFC 3339 UTC."""
    moment = datetime.fromtimestamp(milliseconds / _MS, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(record: JournalRecord, **measured: Any) -> UsageEvent:
    return UsageEvent(
        id=record.event_id,
        source=SOURCE,
        occurred_at=format_time(record.decided_at),
        request_id=record.request_id,
        key_id=record.key_id,
        subscription_id=record.subscription_id,
        api_id=record.api_id,
        method=record.method[:_MAX_METHOD_CHARS],
        path=record.path[:_MAX_PATH_CHARS],
        clock_offset_ms=record.clock_offset_ms,
        **measured,
    )
