"""What is lost or altered in the gateway comes back from PostgreSQL: every process is the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db.models import F

from apps.core.actors import Actor
from apps.gateway.digest import digest_of
from apps.gateway.enums import ReportStatus
from apps.gateway.models import ReconciliationReport, RegistryHead
from apps.gateway.reconciliation import reconcile
from apps.gateway.store import names
from apps.gateway.store.registry import Node
from apps.gateway.valkey import get_client, get_counters, get_writer
from apps.keys.services import IssuedKey, revoke_key
from tests.apps.gateway.dataplane.harness import (
    SECRET,
    AuthorizerProcess,
    CaddyProcess,
    running,
    wait_for,
)
from tests.factories.keys import SYSTEM, make_key
from tests.integration.test_key_to_call import call, is_active

pytestmark = pytest.mark.django_db(transaction=True)


def run() -> ReconciliationReport:
    return reconcile(writer=get_writer(), counters=get_counters(), actor=Actor.system("tests"))


def make_served_key(authorizer: AuthorizerProcess) -> IssuedKey:
    issued = make_key(is_active=False)
    wait_for(lambda: is_active(issued), what="active key")
    assert call(authorizer, issued).status_code == 200
    return issued


def only_node() -> Node:
    (node,) = get_writer().nodes()
    return node


def node_at_head() -> Node | None:
    head, node = get_writer().head(), only_node()
    return node if head and node.proves(head) else None


def is_quiet() -> bool:
    """Whether a run finds nothing, with the authorizer compared."""
    report = run()
    states = [row["state"] for row in report.details.get("nodes", [])]
    return report.status == ReportStatus.HEALTHY and states == ["same"]


def test_authorizer_reports_the_digest_of_what_is_wanted(authorizer: AuthorizerProcess) -> None:
    issued = make_served_key(authorizer)
    revoke_key(key=issued.key, actor=SYSTEM)
    wait_for(lambda: call(authorizer, issued).status_code == 401)

    node = wait_for(node_at_head, what="a report of the head")

    held = dict(get_writer().entries())
    assert node.digest == digest_of(held)
    assert node.entries == {"route": 1, "sub": 1}
    assert is_quiet()


def test_authorizer_that_missed_a_change_is_found_and_loads_anew(
    authorizer: AuthorizerProcess,
) -> None:
    issued = make_served_key(authorizer)
    lose_entry_in_memory_only(f"key:{issued.key.digest}")
    wait_for(lambda: call(authorizer, issued).status_code == 401)
    wait_for(node_at_head)

    report = run()

    assert (report.status, report.different_nodes_count) == (ReportStatus.HEALED, 1)
    assert report.missing_count + report.orphaned_count + report.different_count == 0
    (row,) = report.details["nodes"]
    assert (row["state"], row["expected"]["key"], row["entries"].get("key", 0)) == (
        "different",
        1,
        0,
    )
    wait_for(lambda: call(authorizer, issued).status_code == 200, what="a new load")
    wait_for(is_quiet)


def lose_entry_in_memory_only(field: str) -> None:
    """Tell the authorizers that an entry is gone which the registry keeps: a change that went wrong."""
    head = get_writer().head()
    assert head is not None
    RegistryHead.objects.update(version=F("version") + 1)
    client, version = get_client(), head.version + 1
    changes = json.dumps([[field, None]])
    client.xadd(names.CHANGES, {"prev": head.version, "changes": changes}, id=f"{version}-0")
    client.hset(names.HEAD, "version", version)


def test_deleted_altered_and_strange_routes_are_restored_and_removed(
    authorizer: AuthorizerProcess,
) -> None:
    deleted, altered = make_served_key(authorizer), make_served_key(authorizer)
    slugs = [issued.key.subscription.api.slug for issued in (deleted, altered)]
    client = get_client()
    client.hdel(names.ENTRIES, f"route:{slugs[0]}")
    client.hset(names.ENTRIES, f"route:{slugs[1]}", "not an entry")
    client.hset(names.ENTRIES, "sub:stranger", "{}")
    client.hset(names.ENTRIES, "nonsense", "{}")

    report = run()

    counts = (report.missing_count, report.different_count, report.orphaned_count)
    assert (report.status, counts) == (ReportStatus.HEALED, (1, 1, 2))
    wait_for(is_quiet, what="a healed registry")
    assert {f"route:{slug}" for slug in slugs} <= dict(get_writer().entries()).keys()
    assert not client.hexists(names.ENTRIES, "nonsense")
    assert [call(authorizer, issued).status_code for issued in (deleted, altered)] == [200, 200]


def test_flushed_store_and_restarted_authorizer_come_back_by_themselves(
    authorizer: AuthorizerProcess,
) -> None:
    issued = make_served_key(authorizer)

    authorizer.kill()
    get_client().flushall()
    authorizer.start()

    wait_for(lambda: authorizer.health()["state"] == "serving", timeout_s=20, what="a new load")
    wait_for(lambda: call(authorizer, issued).status_code == 200, what="a call that passes")
    wait_for(is_quiet)


@pytest.fixture
def caddy(
    tmp_path: Path, authorizer: AuthorizerProcess, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[CaddyProcess]:
    """Run a Caddy whose settings this process shares."""
    process = CaddyProcess(tmp_path, authorizer.dial)
    settings.GATEWAY_ADMIN_SOCKET = str(process.config.admin_socket)
    for name, value in {
        "GATEWAY_ADMIN_SOCKET": settings.GATEWAY_ADMIN_SOCKET,
        "GATEWAY_BIND": process.config.listen[0],
        "AUTHORIZER_BIND": authorizer.dial,
        "AUTHORIZER_SECRET": SECRET,
        "GATEWAY_ACCESS_LOG": str(process.access_log),
    }.items():
        monkeypatch.setenv(name, value)
    with running(process):
        yield process


def admin_of(caddy: CaddyProcess) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(caddy.config.admin_socket))
    return httpx.Client(transport=transport, base_url="http://localhost")


def test_altered_proxy_configuration_is_reported_and_loaded_anew(caddy: CaddyProcess) -> None:
    assert run().details["caddy"]["state"] == "same"
    path = "/config/apps/http/servers/gateway/idle_timeout"
    with admin_of(caddy) as client:
        client.patch(path, json="1s").raise_for_status()

    report = run()

    assert report.details["caddy"]["state"] == "healed"
    assert report.details["caddy"]["paths"] == ["/apps/http/servers/gateway/idle_timeout"]
    assert (report.status, report.proxy_paths_count) == (ReportStatus.HEALED, 1)
    with admin_of(caddy) as client:
        assert client.get(path).json() == "120s"
    assert run().details["caddy"]["state"] == "same"


def test_proxy_that_is_away_fails_the_run(caddy: CaddyProcess) -> None:
    caddy.kill()

    report = run()

    assert report.status == ReportStatus.FAILED
    assert report.details["caddy"]["state"] == "failed"
    assert "The proxy's configuration" in report.reason
