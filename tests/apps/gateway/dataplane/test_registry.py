"""The registry's writer, and how soon and how safely authorizers follow it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.gateway.entries import (
    InvalidEntryError,
    RateLimit,
    Route,
    Subscription,
    Tenant,
    delete_entry,
    encode_changes,
    set_entry,
)
from apps.gateway.store.registry import (
    Head,
    RegistryBackwardsError,
    RegistryEpochError,
    RegistryMissingError,
    RegistryWriter,
)
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    SECRET,
    AuthorizerProcess,
    ValkeyServer,
    _serve,
    make_consumer,
    make_route,
    running,
    wait_for,
)


@pytest.fixture
def store(folder: Path) -> Iterator[ValkeyServer]:
    """A Valkey that the test may stop and empty."""
    server = ValkeyServer(folder / f"valkey-{uuid.uuid4().hex[:6]}")
    with running(server):
        yield server


def test_writer_refuses_to_go_backwards_and_repeats_nothing(store: ValkeyServer) -> None:
    writer = RegistryWriter(store.client)
    change = set_entry("org_1", Tenant())
    with pytest.raises(RegistryMissingError):
        writer.apply([change], epoch="a", version=1)
    writer.rebuild([set_entry("org_0", Tenant())], epoch="a", version=5)

    writer.apply([change], epoch="a", version=7)
    writer.apply([set_entry("org_2", Tenant())], epoch="a", version=7)

    with pytest.raises(RegistryBackwardsError) as backwards:
        writer.apply([change], epoch="a", version=6)
    with pytest.raises(RegistryEpochError):
        writer.apply([change], epoch="b", version=8)
    with pytest.raises(RegistryBackwardsError):
        writer.rebuild([], epoch="b", version=6)
    assert backwards.value.head == writer.head() == Head("a", 7)
    assert dict(writer.entries()) == {"tenant:org_0": Tenant(), "tenant:org_1": Tenant()}


def test_rebuild_replaces_everything_and_begins_an_epoch(store: ValkeyServer) -> None:
    writer = RegistryWriter(store.client)
    many = [set_entry(f"org_{number}", Tenant()) for number in range(2_500)]
    writer.rebuild(many, epoch="a", version=1)
    writer.rebuild(many[:3], epoch="b", version=1)

    assert writer.head() == Head("b", 1)
    assert len(dict(writer.entries())) == 3
    assert store.client.ttl("{registry}:entries") == -1


@pytest.mark.parametrize(
    "entry",
    [
        Tenant(limits=(RateLimit("a", 1, 60), RateLimit("b", 2, 60))),
        Tenant(limits=(RateLimit("a", -1, 60),)),
        Route("api", "org", "host", 443, base_path="v1"),
        Route("api", "org", "host", 443, upstream_headers=(("A", "b"),) * 5),
    ],
)
def test_entry_that_cannot_be_served_is_refused(entry: Tenant | Route) -> None:
    with pytest.raises(InvalidEntryError):
        set_entry("x", entry)


def test_revocation_takes_effect_within_a_second_under_load(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer()
    registry.admit(consumer)
    answers: list[tuple[float, int]] = []
    stopped = threading.Event()

    def load() -> None:
        while not stopped.is_set():
            status = authorizer.ask(consumer).status_code
            answers.append((time.monotonic(), status))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        wait_for(lambda: len(answers) > 50, what="load")
        registry.apply(delete_entry("key", consumer.digest))
        registry.wait_for_proof()
        proven_at = time.monotonic()
        time.sleep(0.5)
    finally:
        stopped.set()
        thread.join()

    late = [
        moment - proven_at for moment, status in answers if status == 200 and moment > proven_at
    ]
    # One call may have been decided just before and answered just after the proof.
    assert max(late, default=0.0) < 0.1
    assert answers[-1][1] == 401


def test_suspending_a_subscription_is_one_entry_for_all_its_keys(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    first = make_consumer()
    second = make_consumer(
        key_fields={
            "sub_id": first.sub_id,
            "org_id": first.org_id,
            "workspace_id": first.subscription.workspace_id,
        }
    )
    registry.admit(first)
    registry.apply(second.changes[0])
    registry.wait_for_proof()
    assert [authorizer.ask(key).status_code for key in (first, second)] == [200, 200]

    fields = {name: getattr(first.subscription, name) for name in Subscription.__struct_fields__}
    registry.apply(set_entry(first.sub_id, Subscription(**{**fields, "state": "suspended"})))
    registry.wait_for_proof()

    assert [authorizer.ask(key).status_code for key in (first, second)] == [403, 403]


def test_node_serves_only_with_a_registry(folder: Path, store: ValkeyServer) -> None:
    process = AuthorizerProcess(folder, store.url, node="early")
    consumer = make_consumer()
    with running(process):
        wait_for(lambda: process.health()["state"] == "loading", what="loading")
        assert process.ask(consumer).json()["code"] == "registry_unconfirmed"

        registry = Registry(store)
        registry.apply(make_route("weather", 1), *consumer.changes)
        process.wait_until("serving")

        assert process.ask(consumer).status_code == 200


def test_rebuild_is_loaded_by_running_nodes(folder: Path, store: ValkeyServer) -> None:
    registry = Registry(store)
    old, new = make_consumer(), make_consumer()
    registry.apply(make_route("weather", 1), *old.changes)
    process = AuthorizerProcess(folder, store.url, node="follower")
    with running(process):
        process.wait_until("serving")
        entries = [make_route("weather", 1), *new.changes]
        head = registry.writer.rebuild(entries, epoch="later", version=registry.version)

        wait_for(lambda: all(node.proves(head) for node in registry.writer.nodes()), what="proof")

        assert [process.ask(key).status_code for key in (old, new)] == [401, 200]


def test_cut_off_node_refuses_after_its_lease(folder: Path, store: ValkeyServer) -> None:
    registry = Registry(store)
    burst = make_consumer(limits=(RateLimit("s", 100, 1),))
    priced = make_consumer(quota=100)
    registry.apply(make_route("weather", 1))
    process = AuthorizerProcess(folder, store.url, node="cut-off")
    with running(process):
        process.wait_until("serving")
        registry.admit(burst, priced)
        assert [process.ask(key).status_code for key in (burst, priced)] == [200, 200]

        store.pause()
        paused_at = time.monotonic()
        # Inside the lease: bursts pass without invented headers, priced quotas do not.
        wait_for(
            lambda: process.ask(priced).json().get("code") == "store_unavailable",
            what="store_unavailable",
        )
        inside = process.ask(burst)
        wait_for(lambda: process.ask(burst).status_code == 503, timeout_s=8, what="lease over")
        cut_off_after = time.monotonic() - paused_at

        assert inside.status_code == 200
        assert "ratelimit" not in inside.headers
        assert "x-ratelimit-remaining" not in inside.headers
        assert cut_off_after < 6.0
        assert process.ask(burst).json()["code"] == "registry_unconfirmed"

        store.resume()
        process.wait_until("serving")
        # Recovered without a restart and without wrong counts.
        wait_for(lambda: process.ask(priced).status_code == 200, what="store reconnected")
        assert process.ask(burst).status_code == 200


def test_emptied_store_stops_service_until_rebuilt(folder: Path, store: ValkeyServer) -> None:
    registry = Registry(store)
    consumer = make_consumer(quota=100)
    registry.apply(make_route("weather", 1))
    process = AuthorizerProcess(folder, store.url, node="emptied")
    with running(process):
        process.wait_until("serving")
        registry.admit(consumer)
        store.kill()
        store.start()

        wait_for(
            lambda: process.ask(consumer).json()["code"] == "registry_unconfirmed",
            timeout_s=8,
            what="registry_unconfirmed",
        )
        entries = [make_route("weather", 1), *consumer.changes]
        registry.writer.rebuild(entries, epoch="rebuilt", version=registry.version)
        process.wait_until("serving")
        wait_for(
            lambda: process.ask(consumer).json().get("code") == "store_cold", what="store_cold"
        )
        registry.epoch = "rebuilt"
        registry.admit(consumer, used=40)

        assert process.ask(consumer).headers["x-quota-remaining"] == "59"


class WebFeed:
    """Web's change feed, as a web server gives it."""

    def __init__(self) -> None:
        self.head = Head("", 0)
        self.changes: list[object] = []
        self.questions: list[dict[str, str]] = []

    def handler(self) -> type[BaseHTTPRequestHandler]:
        feed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                assert url.path == "/internal/gateway/changes"
                assert self.headers["Authorization"] == f"Bearer {SECRET}"
                question = {name: values[0] for name, values in parse_qs(url.query).items()}
                feed.questions.append(question)
                newer = feed.changes if int(question["after"]) < feed.head.version else []
                body = b'{"epoch":"%b","version":%d,"changes":%b}' % (
                    feed.head.epoch.encode(),
                    feed.head.version,
                    encode_changes(newer),  # type: ignore[arg-type]
                )
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Stay silent."""

        return Handler


def test_web_feed_keeps_a_node_current_without_the_store(folder: Path, store: ValkeyServer) -> None:
    registry = Registry(store)
    kept, revoked = make_consumer(), make_consumer()
    registry.apply(make_route("weather", 1), *kept.changes, *revoked.changes)
    feed = WebFeed()
    with _serve(feed.handler()) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        process = AuthorizerProcess(folder, store.url, node="feed", WEB_INTERNAL_URL=url)
        with running(process):
            process.wait_until("serving")
            feed.head = Head(registry.epoch, registry.version)
            store.kill()
            wait_for(lambda: feed.questions, what="a question to web")
            feed.changes = [delete_entry("key", revoked.digest)]
            feed.head = Head(registry.epoch, registry.version + 1)
            revoked_at = time.monotonic()

            wait_for(lambda: process.ask(revoked).status_code == 401, what="revocation by feed")
            took = time.monotonic() - revoked_at
            time.sleep(max(0.0, 6.0 - took))  # longer than a lease

            assert took < 1.0
            assert feed.questions[0]["node"] == "feed"
            assert process.health()["state"] == "serving"
            assert process.ask(kept).status_code == 200
            feed.head = Head("another", registry.version + 2)
            wait_for(lambda: process.ask(kept).status_code == 503, timeout_s=8, what="lease over")


def test_stopped_node_gives_its_lease_back(folder: Path, store: ValkeyServer) -> None:
    registry = Registry(store)
    process = AuthorizerProcess(folder, store.url, node="leaver")
    with running(process):
        process.wait_until("serving")
        assert [node.is_leased for node in registry.writer.nodes()] == [True]
        assert process.stop() == 0

        (node,) = registry.writer.nodes()
        assert (node.is_leased, node.state) == (False, "stopped")
        process.start()


def test_hundred_thousand_keys_load_in_five_seconds(folder: Path, store: ValkeyServer) -> None:
    writer = RegistryWriter(store.client)
    template = make_consumer()
    keys = [set_entry(f"{number:064x}", template.key_entry) for number in range(100_000)]
    writer.rebuild([*keys, *template.changes, make_route("weather", 1)], epoch="big", version=1)
    process = AuthorizerProcess(folder, store.url, node="big")
    with running(process):
        started_at = time.monotonic()
        process.wait_until("serving", timeout_s=15)
        took = time.monotonic() - started_at

        status = Path(f"/proc/{process.pid}/status").read_text()
        resident_mb = int(status.split("VmRSS:")[1].split()[0]) / 1024
        assert process.ask(template).status_code == 200
        assert took < 5.0
        assert resident_mb < 300
