"""Keeps the tables equal to the registry, reports what they hold, and renews the lease.

Source: docs/architecture/gateway.md §3.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from apps.gateway.authorizer.feed import ChangeFeed, FeedError
from apps.gateway.authorizer.lease import LEASE_S, Lease, boot_seconds
from apps.gateway.authorizer.tables import Tables
from apps.gateway.entries import (
    Change,
    InvalidEntryError,
    decode_changes,
    decode_entry,
    split_field,
)
from apps.gateway.pepper_notes import MAX_WAITING, write_notes
from apps.gateway.store import names
from apps.gateway.store.functions import (
    LIBRARY,
    function_names,
    is_function_missing,
    library_source,
)
from apps.gateway.store.registry import Head, NodeReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.gateway.authorizer.upstream_guard import UpstreamGuard

logger = logging.getLogger(__name__)

REPORT_EVERY_MS: Final = 1_000
RETRY_S: Final = 0.5
SCAN_COUNT: Final = 2_000
_SOCKET_TIMEOUT_S: Final = 2.0


class ReloadNeededError(Exception):
    """The tables cannot be brought up to date by changes: another epoch, or changes are missing."""


class StoreEmptyError(Exception):
    """Valkey answers, but holds no registry, or an older one than ours."""


class RegistryFollower:
    """Follows the registry of one Valkey; serves `tables` under `lease`."""

    def __init__(
        self, store_url: str, feed: ChangeFeed | None, node: str, count_decisions: Callable[[], int]
    ) -> None:
        """Prepare; `run` does the work."""
        self.tables = Tables()
        self.lease = Lease()
        self.head: Head | None = None
        # Told of in the reports, when there is one.
        self.upstreams: UpstreamGuard | None = None
        # The numbers of the peppers that this node knows, newest first, and what notes about keys are signed with.
        self.pepper_numbers: tuple[int, ...] = ()
        self.note_secret = b""
        self._node = node
        self._feed = feed
        self._count_decisions = count_decisions
        self._started_at = time.time_ns() // 1_000_000
        # Its annotations cover every protocol version and encoding at once; ours is text.
        self._client: Any = redis.Redis.from_url(
            store_url,
            decode_responses=True,
            socket_connect_timeout=1.0,
            socket_timeout=_SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    @property
    def state(self) -> str:
        """Return `loading`, `serving` or `unconfirmed`."""
        if self.head is None:
            return "loading"
        return "serving" if self.lease.is_valid else "unconfirmed"

    async def run(self) -> None:
        """Load, follow and report until cancelled."""
        must_load = True
        while True:
            try:
                if must_load or self.head is None:
                    await self._load_snapshot()
                    must_load = False
                else:
                    await self._read_changes(self.head, block_ms=REPORT_EVERY_MS)
                await self._confirm()
                await self._follow_reload_request()
                await self._tell_outdated_keys()
            except ReloadNeededError as reason:
                logger.info("registry: loading again: %s", reason)
                must_load = True
            except StoreEmptyError as reason:
                logger.warning("registry: %s", reason)
                must_load = True
                await self._confirm_by_feed()
            except (RedisError, OSError, InvalidEntryError) as error:
                logger.warning("registry: %s: %s", type(error).__name__, error)
                must_load = must_load or isinstance(error, InvalidEntryError)
                await self._confirm_by_feed()

    async def close(self) -> None:
        """Give the lease back, so that nobody waits for this node's proof, and disconnect."""
        try:
            await self._report(state="stopped", lease_ms=0)
        except (RedisError, OSError) as error:
            logger.warning("registry: could not give the lease back: %s", error)
        await self._client.aclose()
        if self._feed is not None:
            await self._feed.close()

    async def _load_snapshot(self) -> None:
        """Read all entries into new tables, then what changed meanwhile, and put them into service."""
        await self._ensure_library()
        head = await self._read_head()
        if head is None:
            raise StoreEmptyError("the store holds no registry")
        if self.head is not None and self.head.epoch == head.epoch:
            _refuse_older(head, self.head)
        tables = Tables()
        cursor = 0
        while True:
            cursor, rows = await self._client.hscan(names.ENTRIES, cursor, count=SCAN_COUNT)
            tables.apply(_entry(field, data) for field, data in rows.items())
            if cursor == 0:
                break
        # The scan saw the entries at different moments; the stream from `head` on puts them in order.
        version = await self._read_stream(tables, head.version, block_ms=None)
        now_head = await self._read_head()
        if now_head is None or now_head.epoch != head.epoch:
            raise ReloadNeededError("the registry was rebuilt while it was read")
        self.tables, self.head = tables, Head(head.epoch, version)
        # Entries live long and hold no cycles: the collector need not walk them again and again.
        gc.freeze()
        logger.info("registry: %d entries, epoch %s, version %d", len(tables), head.epoch, version)

    async def _read_changes(self, head: Head, block_ms: int | None) -> None:
        version = await self._read_stream(self.tables, head.version, block_ms=block_ms)
        self.head = Head(head.epoch, version)

    async def _read_stream(self, tables: Tables, version: int, block_ms: int | None) -> int:
        """Apply the stream's entries after a version, and return the version reached."""
        position = {names.CHANGES: f"{version}-0"}
        answer = await self._client.xread(position, block=block_ms)
        # RESP2 answers a list of pairs, RESP3 a mapping of lists of batches.
        rows = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        for entries in rows:
            for entry_id, fields in _flatten(entries):
                if int(fields["prev"]) != version:
                    raise ReloadNeededError(f"changes after version {version} are missing")
                tables.apply(decode_changes(fields["changes"]))
                version = int(entry_id.partition("-")[0])
        return version

    async def _confirm(self) -> None:
        """Report our version; renew the lease if it is the head's."""
        for _ in range(2):
            asked_at = boot_seconds()
            head = await self._report(state="serving", lease_ms=int(LEASE_S * 1000))
            if head is None:
                raise StoreEmptyError("the store holds no registry any more")
            held = self.head
            if held is None or head.epoch != held.epoch:
                raise ReloadNeededError(f"epoch {head.epoch} took over")
            if head.version == held.version:
                self.lease.renew(asked_at)
                return
            _refuse_older(head, held)
            await self._read_changes(held, block_ms=None)
            if self.head == held:
                raise ReloadNeededError("the stream does not reach the head")

    async def _follow_reload_request(self) -> None:
        """Load anew when reconciliation found that our tables are not what they should be."""
        if await self._client.getdel(names.reload_request(self._node)):
            raise ReloadNeededError("reconciliation asked for it")

    async def _tell_outdated_keys(self) -> None:
        """Note the keys that were found by an older pepper; web moves them to the newest one."""
        outdated, self.tables.outdated = self.tables.outdated, {}
        if not outdated or not self.pepper_numbers:
            return
        if await self._client.hlen(names.OUTDATED_KEYS) < MAX_WAITING:
            number = self.pepper_numbers[0]
            notes = write_notes(outdated, pepper_number=number, secret=self.note_secret)
            await self._client.hset(names.OUTDATED_KEYS, mapping=notes)

    async def _confirm_by_feed(self) -> None:
        """Ask web for the head, at most twice a second, while the store cannot confirm it."""
        if self._feed is not None and self.head is not None:
            asked_at = boot_seconds()
            try:
                head, changes = await self._feed.changes_after(self.head)
            except FeedError as error:
                logger.warning("registry: the change feed does not help: %s", error)
            else:
                self.tables.apply(changes)
                self.head = head
                self.lease.renew(asked_at)
        await asyncio.sleep(RETRY_S)

    async def _report(self, *, state: str, lease_ms: int) -> Head | None:
        head = self.head or Head("", -1)
        report = NodeReport(
            epoch=head.epoch,
            version=head.version,
            started_at=self._started_at,
            state=state,
            decisions=self._count_decisions(),
            digest=self.tables.digest,
            entries=self.tables.counts,
            resolver_up=self.upstreams.is_resolver_up if self.upstreams else None,
            peppers=self.pepper_numbers,
        )
        arguments = (self._node, msgspec.json.encode(report).decode(), lease_ms)
        try:
            answer = await self._client.fcall("tg1_report", 2, names.HEAD, names.NODES, *arguments)
        except ResponseError as error:
            if not is_function_missing(error):
                raise
            await self._client.function_load(library_source(), replace=True)
            answer = await self._client.fcall("tg1_report", 2, names.HEAD, names.NODES, *arguments)
        return Head(answer[0], int(answer[1])) if answer[0] else None

    async def _ensure_library(self) -> None:
        """Load our functions where the store has none, or those of an older release.

        A name never changes its meaning, so nodes of that release go on with ours.
        """
        libraries = await self._client.function_list(LIBRARY)
        if not function_names() <= set(re.findall(r"\btg\d+_\w+", str(libraries))):
            await self._client.function_load(library_source(), replace=True)

    async def _read_head(self) -> Head | None:
        epoch, version = await self._client.hmget(names.HEAD, ["epoch", "version"])
        return Head(epoch, int(version)) if epoch and version else None


def _refuse_older(head: Head, held: Head) -> None:
    """Keep what we know when the store fell back behind it (it lost its last writes)."""
    if head.version < held.version:
        raise StoreEmptyError(f"the store fell back to version {head.version}")


def _entry(field: str, data: str) -> Change:
    kind, entry_id = split_field(field)
    return Change(kind, entry_id, decode_entry(kind, data))


def _flatten(entries: Any) -> list[tuple[str, dict[str, str]]]:
    """Return stream entries of either protocol version as pairs of id and fields."""
    if entries and isinstance(entries[0], list):
        return [entry for batch in entries for entry in batch]
    return list(entries)
