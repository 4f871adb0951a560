"""Authorizers: what each says its tables hold, against what they must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.gateway.digest import counts_of, digest_of
from apps.gateway.entries import Entry
from apps.gateway.store.registry import Head, Node


class TableState(StrEnum):
    """What a comparison says about one authorizer."""

    SAME = "same"
    DIFFERENT = "different"
    BEHIND = "behind"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TableFinding:
    """One authorizer. `entries` counts what it holds by kind, `expected` what it must hold."""

    node: str
    state: TableState
    version: int
    entries: Mapping[str, int]
    expected: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as reports keep it."""
        return {
            "node": self.node,
            "state": self.state.value,
            "version": self.version,
            "entries": dict(self.entries),
            "expected": dict(self.expected),
        }


def judge_tables(
    nodes: Sequence[Node], expected: Mapping[str, Entry], head: Head | None
) -> list[TableFinding]:
    """Say of each authorizer whether its tables are as they must be at a head.

    `silent`: it serves nothing now. `behind`: it is at another version, so nothing can be said. `unknown`: it is of
    a release that reports no digest, or the registry never stood still.
    """
    digest, counts = digest_of(expected), counts_of(expected)
    return [
        TableFinding(node.name, _judge(node, digest, head), node.version, node.entries, counts)
        for node in nodes
    ]


def _judge(node: Node, digest: str, head: Head | None) -> TableState:
    if not node.is_leased:
        return TableState.SILENT
    if head is None or not node.digest:
        return TableState.UNKNOWN
    if (node.epoch, node.version) != (head.epoch, head.version):
        return TableState.BEHIND
    return TableState.SAME if node.digest == digest else TableState.DIFFERENT
