"""No call is allowed that is not on file."""

from __future__ import annotations

import resource
from pathlib import Path

from apps.gateway.authorizer.journal import JournalWriter
from apps.gateway.shipper.files import has_no_writer
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    ValkeyServer,
    make_consumer,
    running,
    wait_for,
)


def test_failed_write_refuses_the_call_and_leaves_no_part_of_it(
    folder: Path, valkey: ValkeyServer, registry: Registry
) -> None:
    consumer = make_consumer(quota=100)
    process = AuthorizerProcess(folder / "full", valkey.url, node="full")
    process.log.parent.mkdir()
    with running(process):
        process.wait_until("serving")
        registry.admit(consumer)
        assert process.ask(consumer).status_code == 200
        (path,) = process.journal_dir.glob("*.jsonl")
        size = path.stat().st_size
        pid = process.pid
        # The file may grow by a part of a line only: the kernel writes that part, then fails.
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))

        refused = process.ask(consumer)

        assert (refused.status_code, refused.json()["code"]) == (503, "metering_unavailable")
        assert path.stat().st_size == size
        wait_for(lambda: registry.used(consumer) == 1, what="quota given back")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert process.ask(consumer).status_code == 200
        assert [line["key_id"] for line in process.journal_lines()] == [consumer.key_id] * 2


def test_too_little_disk_refuses_before_anything_is_taken(
    folder: Path, valkey: ValkeyServer, registry: Registry
) -> None:
    consumer = make_consumer(quota=100)
    process = AuthorizerProcess(
        folder, valkey.url, node="no-space", GATEWAY_MIN_FREE_MB="1000000000"
    )
    with running(process):
        wait_for(lambda: process.health()["state"] == "serving", what="serving")
        registry.admit(consumer)

        refused = process.ask(consumer)

        assert (refused.status_code, refused.json()["code"]) == (503, "metering_unavailable")
        assert registry.used(consumer) == 0
        assert process.client.get("/healthz").status_code == 503


def test_lock_tells_whether_a_file_may_still_grow(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "node", min_free_mb=1)
    (path,) = tmp_path.glob("*.jsonl")

    assert not has_no_writer(path)
    writer.close()
    assert has_no_writer(path)
