"""Whatever a client sends: never another API, never a crash, never somebody else's name."""

from __future__ import annotations

import json
import posixpath
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import CaddyProcess, Consumer, make_consumer, make_route
from tests.apps.gateway.dataplane.test_caddy import send_raw

TOKENS = [
    "weather",
    "based",
    "Weather",
    "%77eather",
    "weather%2f",
    "x",
    "a.b",
    "..a",
    "{http.vars.dial}",
    "/",
    "//",
    "/./",
    "/../",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "%0a",
    "%7f",
    "?",
    "#",
    ";",
    ":",
    "@",
    "%",
    "%zz",
    "%25",
    "~",
    "é",
    "*",
    "$1",
    " ",
]
targets = st.lists(st.sampled_from(TOKENS), max_size=8).map(lambda parts: "/" + "".join(parts))
names = st.sampled_from(
    [
        "X-Tollgate-Slug",
        "X_Tollgate_Slug",
        "X-Subscription-Id",
        "X_Subscription_Id",
        "X-Authz",
        "X-Upstream-Dial",
        "X-Upstream-Kind",
        "Connection",
        "X-Forwarded-Uri",
        "X-Request-Id",
        "X-Tollgate-Secret",
        "Transfer-Encoding",
        "Te",
        "Upgrade",
        "Expect",
        "Host",
        "X-Odd",
    ]
)
values = st.sampled_from(
    [
        "based",
        "sub_other",
        "allow",
        "127.0.0.1:1",
        "X-Tollgate-Slug, X-Subscription-Id",
        "close",
        "websocket",
        "100-continue",
        "/based/x",
        "éÿ",
        "",
        "chunked",
    ]
)
headers = st.lists(st.tuples(names, values).map(": ".join), max_size=5)
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def consumer(registry: Registry, caddy: CaddyProcess, upstream_port: int) -> Consumer:
    consumer = make_consumer()
    registry.apply(make_route("based", upstream_port))
    registry.admit(consumer)
    return consumer


@QUICK
@given(target=targets)
def test_any_path_goes_to_the_decided_api_or_nowhere(
    caddy: CaddyProcess, consumer: Consumer, target: str
) -> None:
    status, body = send_raw(caddy, target, f"X-Api-Key: {consumer.key}")

    assert status in {200, 400, 403, 404}
    if status == 200:
        echo = json.loads(body)
        path = unquote_to_bytes(target.partition("?")[0].encode("latin-1"))
        cleaned = posixpath.normpath(path.replace(b"//", b"/"))
        assert cleaned.lstrip(b"/").split(b"/")[0] == b"weather"
        assert ".." not in echo["path"].partition("?")[0].split("/")
        assert dict(echo["headers"])["X-Subscription-Id"] == consumer.sub_id


@QUICK
@given(lines=headers)
def test_any_header_leaves_identity_and_route_alone(
    caddy: CaddyProcess, consumer: Consumer, lines: list[str]
) -> None:
    # Who announces chunks must send the last one, or the gateway rightly waits for it.
    last_chunk = "0\r\n\r\n" if "Transfer-Encoding: chunked" in lines else ""
    status, body = send_raw(
        caddy, "/weather/x", f"X-Api-Key: {consumer.key}", *lines, body=last_chunk
    )

    # 501 and 505 are Go's own words about transfer encodings and upgrades, 100 to one who expects it.
    assert status in {100, 200, 400, 404, 417, 501, 505}
    if status == 200:
        sent = json.loads(body)["headers"]
        identities = [value for name, value in sent if name.lower() == "x-subscription-id"]
        assert identities == [consumer.sub_id]
        assert not [name for name, _ in sent if "_" in name or name.startswith("X-Tollgate")]
