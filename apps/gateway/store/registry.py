"""Writes the registry in Valkey, and reads what the authorizers proved. Used by the relay.

Plain Python over a synchronous redis client, so that it can be tried without the web application.

Source: docs/architecture/gateway.md §3.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from apps.gateway.entries import (
    Change,
    Entry,
    InvalidEntryError,
    decode_entry,
    encode_changes,
    encode_entry,
    split_field,
)
from apps.gateway.store import names
from apps.gateway.store.functions import call_function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redis import Redis

# Changes that a node may miss before it must load the whole registry again.
STREAM_LENGTH: Final = 10_000
STAGING_BATCH: Final = 1_000
# A rebuild that died leaves its staging hash behind for this long.
STAGING_SECONDS: Final = 3_600
# A node that has been silent for this long is not listed any more.
FORGET_NODE_MS: Final = 3_600_000
# A request that its node has not met by then is void: the next comparison asks again.
RELOAD_REQUEST_MS: Final = 600_000


class RegistryError(Exception):
    """The registry did not take a change. `head` is what it holds."""

    def __init__(self, message: str, head: Head | None) -> None:
        super().__init__(message)
        self.head = head


class RegistryMissingError(RegistryError):
    """Valkey holds no registry: it is new or was emptied. Rebuild it."""


class RegistryEpochError(RegistryError):
    """Valkey holds a registry of another epoch: somebody else rebuilt it. Rebuild or read again."""


class RegistryBackwardsError(RegistryError):
    """Valkey holds a later version: the caller's knowledge is old."""


@dataclass(frozen=True)
class Head:
    """What the registry holds: the epoch of its last rebuild and the version of its last change."""

    epoch: str
    version: int


@dataclass(frozen=True)
class Node:
    """What one authorizer last reported. Times are Unix milliseconds of Valkey's clock."""

    name: str
    epoch: str
    version: int
    lease_expires_at: int
    is_leased: bool
    started_at: int
    state: str
    decisions: int
    digest: str = ""
    entries: dict[str, int] = dataclass_field(default_factory=dict)
    # Whether the resolver beside it answers; None when it did not say.
    resolver_up: bool | None = None
    # The numbers of the peppers that it knows.
    peppers: tuple[int, ...] = ()

    def proves(self, head: Head) -> bool:
        """Tell whether this node has applied everything up to a head."""
        return self.epoch == head.epoch and self.version >= head.version


class NodeReport(msgspec.Struct, frozen=True):
    """The report as a node writes it: what it holds, in short. Nodes of an older release leave the end out."""

    epoch: str
    version: int
    started_at: int
    state: str
    decisions: int
    digest: str = ""
    entries: dict[str, int] = {}
    resolver_up: bool | None = None
    peppers: tuple[int, ...] = ()


class RegistryWriter:
    """The one writer of the registry. Its caller holds the relay's lock."""

    def __init__(self, client: Redis) -> None:
        """Use a client that answers bytes or text."""
        self._client = client

    def head(self) -> Head | None:
        """Return what the registry holds; None when there is none."""
        epoch, version = self._client.hmget(names.HEAD, ["epoch", "version"])
        return _head(epoch, version)

    def apply(self, changes: Sequence[Change], *, epoch: str, version: int) -> Head:
        """Write a batch of changes and announce it to the authorizers, in one step or not at all.

        The same version again changes nothing, so a batch whose answer was lost may be sent again.

        Args:
            changes: in order; a later change of an entry wins.
            epoch: the epoch that the caller believes in.
            version: of this batch; greater than every earlier one.

        Raises: RegistryMissingError, RegistryEpochError, RegistryBackwardsError,
            redis.exceptions.RedisError.
        """
        arguments: list[str | int | bytes] = [
            epoch,
            version,
            encode_changes(list(changes)),
            STREAM_LENGTH,
        ]
        for change in changes:
            arguments += [change.field, b"" if change.entry is None else encode_entry(change.entry)]
        keys = (names.HEAD, names.ENTRIES, names.CHANGES)
        self._check(call_function(self._client, "tg1_apply", keys, arguments))
        return Head(epoch, version)

    def rebuild(self, entries: Iterable[Change], *, epoch: str, version: int) -> Head:
        """Replace the whole registry under a new epoch; authorizers then load it anew.

        Entries are staged first and swapped in at once, so nobody sees half of them.

        Raises: RegistryBackwardsError, redis.exceptions.RedisError.
        """
        staging = names.staging(epoch)
        self._client.delete(staging)
        count = 0
        for batch in _batches(entries, STAGING_BATCH):
            self._client.hset(staging, mapping=batch)
            self._client.expire(staging, STAGING_SECONDS)
            count += len(batch)
        keys = (names.HEAD, names.ENTRIES, names.CHANGES, staging)
        self._check(call_function(self._client, "tg1_swap", keys, [epoch, version, count]))
        return Head(epoch, version)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield every entry with its field (`<kind>:<id>`), for reconciliation.

        Raises: InvalidEntryError for an entry that somebody else wrote.
        """
        for field, data in self._client.hscan_iter(names.ENTRIES, count=1_000):
            name = _text(field)
            yield name, decode_entry(split_field(name)[0], data)

    def read_entries(self) -> dict[str, Entry | None]:
        """Return every entry by field; None stands for one that cannot be read: somebody else wrote it.

        Raises: redis.exceptions.RedisError.
        """
        found: dict[str, Entry | None] = {}
        for field, data in self._client.hscan_iter(names.ENTRIES, count=1_000):
            name = field.decode(errors="replace") if isinstance(field, bytes) else field
            try:
                found[name] = decode_entry(split_field(name)[0], data)
            except InvalidEntryError:
                found[name] = None
        return found

    def remove_strangers(self, fields: Sequence[str]) -> None:
        """Take out fields that are of no kind we know; no authorizer can hold them, so none is told.

        Raises: redis.exceptions.RedisError.
        """
        if fields:
            self._client.hdel(names.ENTRIES, *fields)

    def nodes(self) -> list[Node]:
        """Return the authorizers that reported within the last hour, with the state of their leases."""
        answer = call_function(self._client, "tg1_nodes", [names.NODES], [FORGET_NODE_MS])
        now, rows = int(answer[0]), answer[1:]
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return sorted((_node(_text(name), _text(row), now) for name, row in pairs), key=_node_name)

    def ask_reload(self, node: str) -> None:
        """Ask one authorizer to load the whole registry anew; it does so within a second, and serves meanwhile.

        Raises: redis.exceptions.RedisError.
        """
        self._client.set(names.reload_request(node), "1", px=RELOAD_REQUEST_MS)

    def _check(self, answer: list[bytes]) -> None:
        result, epoch, version = (_text(part) for part in answer)
        held = _head(epoch, version)
        if result == "missing":
            raise RegistryMissingError("the store holds no registry", held)
        if result == "other_epoch":
            raise RegistryEpochError(f"the store holds epoch {epoch}", held)
        if result == "backwards":
            raise RegistryBackwardsError(f"the store holds version {version}", held)
        if result == "incomplete":
            raise RegistryError("the staged entries were lost; rebuild again", held)


def _head(epoch: bytes | str | None, version: bytes | str | None) -> Head | None:
    return Head(_text(epoch), int(version)) if epoch and version else None


def _node(name: str, row: str, now: int) -> Node:
    expires_at, _, report_json = row.partition(" ")
    report = msgspec.json.decode(report_json, type=NodeReport)
    return Node(
        name=name,
        epoch=report.epoch,
        version=report.version,
        lease_expires_at=int(expires_at),
        is_leased=int(expires_at) > now,
        started_at=report.started_at,
        state=report.state,
        decisions=report.decisions,
        digest=report.digest,
        entries=report.entries,
        resolver_up=report.resolver_up,
        peppers=report.peppers,
    )


def _node_name(node: Node) -> str:
    return node.name


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _batches(entries: Iterable[Change], size: int) -> Iterator[dict[Any, Any]]:
    batch: dict[Any, Any] = {}
    for change in entries:
        if change.entry is None:
            continue
        batch[change.field] = encode_entry(change.entry)
        if len(batch) == size:
            yield batch
            batch = {}
    if batch:
        yield batch
