"""What an import derives from a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, with its references followed."""

    method: str
    path: str
    operation_id: str = ""
    summary: str = ""
    description: str = ""
    tag: str = ""
    parameters: tuple[dict[str, Any], ...] = ()
    request_body: dict[str, Any] | None = None
    responses: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_deprecated: bool = False
    requires_admin: bool = False


@dataclass(frozen=True, slots=True)
class DerivedApi:
    """What a document says about its API."""

    title: str
    version: str
    summary: str
    description: str
    server_urls: tuple[str, ...]
    operations: tuple[Operation, ...]
