"""Sends batches to web's intake and tells apart what to do next."""

from __future__ import annotations

import gzip
import hashlib
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from apps.gateway.shipper.events import UsageEvent, format_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger = logging.getLogger(__name__)

PATH: Final = "/api/v1/usage/events"
TIMEOUT_S: Final = 30.0
ACCEPTED: Final = 202
OK: Final = 200
BATCH_ID_CHARS: Final = 32
_COMPRESSION: Final = 5
# Only intake takes compressed bodies.
_PLAIN: Final = {"Content-Encoding": "identity"}

_encoder: Final = msgspec.json.Encoder()


class NotAcceptedError(Exception):
    """Web did not take the batch. It stays; `retry_after_s` is what web asked for, if it asked."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class ReplayAsked(msgspec.Struct, frozen=True):
    """Web asks for the calls of a span that are not stored."""

    id: str
    since: datetime
    until: datetime


class IntakeAnswer(msgspec.Struct, frozen=True):
    """Web's answer; rejected events are in its dead letters."""

    batch_id: str = ""
    accepted: int = 0
    rejected: list[msgspec.Raw] = []
    replay: ReplayAsked | None = None


class _MissingAnswer(msgspec.Struct, frozen=True):
    missing: list[str]


def encode_body(
    node: str,
    oldest_unshipped_ms: int,
    events: Sequence[UsageEvent],
    key_addresses: Mapping[str, str] | None = None,
) -> bytes:
    """Return the body of a batch, compressed. Equal input gives equal bytes."""
    report: dict[str, object] = {
        "node": node,
        "oldest_unshipped_at": format_time(oldest_unshipped_ms),
    }
    if key_addresses:
        report["key_addresses"] = key_addresses
    body = {"shipper": report, "events": events}
    return gzip.compress(_encoder.encode(body), compresslevel=_COMPRESSION, mtime=0)


def encode_events(events: Sequence[UsageEvent]) -> bytes:
    """Return the body of a batch that says nothing about how far the shipper has come, compressed."""
    return gzip.compress(_encoder.encode({"events": events}), compresslevel=_COMPRESSION, mtime=0)


def batch_id_of(body: bytes) -> str:
    """Return the id of a batch: the digest of its bytes, so the same batch has the same id for ever."""
    return hashlib.sha256(body).hexdigest()[:BATCH_ID_CHARS]


class IntakeClient:
    """Posts to one web server."""

    def __init__(self, web_url: str, token: str) -> None:
        """Prepare a client for `WEB_INTERNAL_URL` with the shipper's service token."""
        self._client = httpx.Client(
            base_url=web_url,
            timeout=TIMEOUT_S,
            trust_env=False,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Content-Encoding": "gzip",
            },
        )

    def send(self, batch_id: str, body: bytes) -> ReplayAsked | None:
        """Post a batch; when this returns, web has stored it. Return the replay that web asks for, if it does.

        Raises: NotAcceptedError.
        """
        content = self._post(PATH, body, ACCEPTED, {"Idempotency-Key": batch_id})
        return _read_answer(batch_id, content)

    def missing(self, event_ids: Sequence[str]) -> list[str]:
        """Return those of up to 5 000 ids that web has no call under.

        Raises: NotAcceptedError.
        """
        content = self._post(f"{PATH}/missing", _encoder.encode({"ids": event_ids}), OK, _PLAIN)
        try:
            return msgspec.json.decode(content, type=_MissingAnswer).missing
        except msgspec.MsgspecError as error:
            raise NotAcceptedError(f"web's answer cannot be read: {error}") from error

    def report_replay(self, replay_id: str, result: Mapping[str, object]) -> None:
        """Tell web what a replay found.

        Raises: NotAcceptedError.
        """
        self._post(f"/api/v1/usage/replays/{replay_id}/result", _encoder.encode(result), OK, _PLAIN)

    def _post(self, path: str, body: bytes, wanted: int, headers: Mapping[str, str]) -> bytes:
        try:
            response = self._client.post(path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise NotAcceptedError(f"{type(error).__name__}: {error}") from error
        if response.status_code != wanted:
            raise NotAcceptedError(
                f"web answered {response.status_code}: {response.text[:200]}",
                _retry_after(response.headers.get("Retry-After")),
            )
        return response.content

    def close(self) -> None:
        """Disconnect."""
        self._client.close()


def _read_answer(batch_id: str, content: bytes) -> ReplayAsked | None:
    try:
        answer = msgspec.json.decode(content, type=IntakeAnswer)
    except msgspec.MsgspecError:
        logger.warning("batch %s: accepted with an answer that cannot be read", batch_id)
        return None
    if answer.rejected:
        logger.error("batch %s: web rejected %d events", batch_id, len(answer.rejected))
    return answer.replay


def _retry_after(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None
