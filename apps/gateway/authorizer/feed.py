"""Web's change feed: the registry's head and changes when Valkey cannot tell them."""

from __future__ import annotations

from typing import Final

import httpx
import msgspec

from apps.gateway.entries import Change, InvalidEntryError, decode_changes
from apps.gateway.store.registry import Head

TIMEOUT_S: Final = 2.0
PATH: Final = "/internal/gateway/changes"


class FeedError(Exception):
    """Web did not confirm the head: unreachable, another epoch, or an older version."""


class FeedAnswer(msgspec.Struct, frozen=True):
    """`{epoch, version, changes: [[field, entry or null], ...]}`: everything after the asked version."""

    epoch: str
    version: int
    changes: msgspec.Raw


class ChangeFeed:
    """Asks web, with the authorizer's secret."""

    def __init__(self, web_url: str, secret: str, node: str) -> None:
        """Prepare a client for `WEB_INTERNAL_URL`."""
        self._node = node
        self._client = httpx.AsyncClient(
            base_url=web_url,
            timeout=TIMEOUT_S,
            headers={"Authorization": f"Bearer {secret}"},
            trust_env=False,
        )

    async def changes_after(self, head: Head) -> tuple[Head, list[Change]]:
        """Return web's head and the changes that lead to it from ours.

        Raises: FeedError.
        """
        question: dict[str, str | int] = {
            "node": self._node,
            "epoch": head.epoch,
            "after": head.version,
        }
        try:
            response = await self._client.get(PATH, params=question)
            response.raise_for_status()
            answer = msgspec.json.decode(response.content, type=FeedAnswer)
            changes = decode_changes(bytes(answer.changes))
        except (httpx.HTTPError, msgspec.MsgspecError, InvalidEntryError) as error:
            raise FeedError(f"{type(error).__name__}: {error}") from error
        if answer.epoch != head.epoch:
            raise FeedError(f"web is at epoch {answer.epoch}")
        if answer.version < head.version:
            raise FeedError(f"web is at version {answer.version}")
        return Head(answer.epoch, answer.version), changes

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()
