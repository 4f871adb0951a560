"""Only an app's own services write its tables, and only services move its states."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source, app_sources

WRITES = {
    "create", "bulk_create", "update", "bulk_update", "delete", "get_or_create",
    "update_or_create", "acreate", "aupdate", "adelete",
}  # fmt: skip
# The ground floor's loops keep the states of their own rows: no service stands between.
STATE_KEEPERS = {
    "core/jobs.py",
    "core/relay.py",
    "core/dead_letters.py",
    "core/api/operations.py",
}
SERVICE_MODULES = (
    "services", "transitions.py", "processing.py", "processor.py", "placement.py", "sync.py",
    "gateways/", "reconciliation.py", "drift/", "receivers.py", "tasks.py", "ingestion.py",
)  # fmt: skip


def test_tables_are_written_by_their_own_app_only() -> None:
    writes = [place for item in app_sources() for place in foreign_writes(item)]

    assert writes == []


def foreign_writes(item: Source) -> Iterator[str]:
    """Yield where names imported from another app's models are written through."""
    foreign = {
        alias.asname or alias.name
        for node in ast.walk(item.tree)
        if isinstance(node, ast.ImportFrom) and is_foreign(node.module or "", item.app)
        for alias in node.names
    }
    for node in ast.walk(item.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in WRITES and root_name(node.func.value) in foreign:
            yield f"{item.at(node)} {root_name(node.func.value)}.{node.func.attr}"


def is_foreign(module: str, app: str) -> bool:
    parts = module.split(".")
    return (
        parts[:1] == ["apps"]
        and len(parts) > 2
        and parts[2] == "models"
        and parts[1] not in {app, "core"}
    )


def root_name(node: ast.expr) -> str:
    """Return the name that a chain of attributes and calls starts with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def test_states_are_moved_by_services_only() -> None:
    moves = [
        place
        for item in app_sources()
        if not (
            item.inner.startswith(SERVICE_MODULES) or f"{item.app}/{item.inner}" in STATE_KEEPERS
        )
        for place in status_assignments(item)
    ]

    assert moves == []


def status_assignments(item: Source) -> Iterator[str]:
    """Yield where `something.status` is assigned, or updated in a query."""
    for node in ast.walk(item.tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "status":
                    yield item.at(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_update = node.func.attr == "update"
            if is_update and any(keyword.arg == "status" for keyword in node.keywords):
                yield item.at(node)


def test_services_import_no_tasks() -> None:
    imports = [
        item.at(node)
        for item in app_sources()
        if item.inner.startswith("services")
        for node in ast.walk(item.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".tasks")
    ]

    assert imports == []


PLANTED = """
from apps.keys.models import ApiKey
from apps.core.models import JobRun
ApiKey.objects.filter(status="active").update(status="revoked")
JobRun.objects.create(name="x")
key.status = "revoked"
"""


def test_the_checks_see_planted_faults() -> None:
    item = Source("apps/billing/views.py", PLANTED, ast.parse(PLANTED))

    assert list(foreign_writes(item)) == ["apps/billing/views.py:4 ApiKey.update"]
    assert sorted(status_assignments(item)) == [
        "apps/billing/views.py:4",
        "apps/billing/views.py:6",
    ]
