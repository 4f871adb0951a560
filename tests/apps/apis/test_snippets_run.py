"""Snippets run as they stand: against a server that writes down what reaches it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.apis.models import Endpoint
from apps.apis.snippets import Snippet, call_of, snippets_of

KEY = "tgk_live_0123456789"
AWKWARD = 'it\'s "quoted" \\ $HOME `id` é 😀 \u2028'


class Recorder(ThreadingHTTPServer):
    """Answers 200 to the right key only, and keeps what was sent."""

    seen: list[dict[str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.server.seen.append(
            {
                "method": self.command,
                "path": self.path,
                "key": self.headers.get("X-Api-Key"),
                "region": self.headers.get("X-Region"),
                "type": self.headers.get("Content-Type"),
                "body": self.rfile.read(length).decode(),
            }
        )
        body = b'{"ok": true}'
        self.send_response(200 if self.headers.get("X-Api-Key") == KEY else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 -- the base's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base's name
        """Keep the test's output quiet."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    server = Recorder(("127.0.0.1", 0), Handler)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


ENDPOINTS = {
    "get": Endpoint(
        method="GET",
        path="/places/{place}",
        parameters=[
            {"name": "place", "in": "path", "required": True, "example": "São Paulo/1"},
            {"name": "days", "in": "query", "required": True, "schema": {"default": 3}},
        ],
    ),
    "post": Endpoint(
        method="POST",
        path="/notes",
        parameters=[{"name": "X-Region", "in": "header", "required": True, "example": "eu"}],
        request_body={"content": {"application/json": {"example": {"note": AWKWARD}}}},
    ),
    "delete": Endpoint(method="DELETE", path="/notes/1", parameters=[]),
}


def command_for(snippet: Snippet, folder: Path) -> list[str] | None:
    """Return how a snippet is started; nothing where its language is not installed."""
    # Go comes with the test requirements.
    go = str(Path(sys.executable).parent / "go")
    program = {"curl": "curl", "python": sys.executable, "javascript": "node", "go": go}
    found = shutil.which(program[snippet.language])
    if found is None:
        return None
    suffix = {"curl": "sh", "python": "py", "javascript": "js", "go": "go"}[snippet.language]
    path = folder / f"main.{suffix}"
    path.write_text(snippet.code, encoding="utf-8")
    runner = {"curl": ["/bin/sh"], "go": [found, "run"]}.get(snippet.language, [found])
    return [*runner, str(path)]


@pytest.fixture(scope="session")
def go_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `go run` needs where no home folder is: a cache, in which the standard library is built once."""
    cache = tmp_path_factory.mktemp("go")
    return {"GOCACHE": str(cache), "GOPATH": str(cache / "path"), "GOTOOLCHAIN": "local"}


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["", KEY], ids=["key from the environment", "key shown"])
@pytest.mark.parametrize("name", list(ENDPOINTS))
@pytest.mark.parametrize("language", ["curl", "python", "javascript", "go"])
def test_snippet_runs_verbatim_and_sends_the_same_call(
    recorder: Recorder,
    tmp_path: Path,
    go_environment: dict[str, str],
    *,
    language: str,
    name: str,
    secret: str,
) -> None:
    call = call_of(ENDPOINTS[name], base_url=f"http://127.0.0.1:{recorder.server_port}/weather")
    snippet = next(row for row in snippets_of(call, secret=secret) if row.language == language)
    command = command_for(snippet, tmp_path)
    if command is None:
        pytest.skip(f"{language} is not installed")

    environment = {**os.environ, **go_environment, "TOLLGATE_KEY": "" if secret else KEY}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert '{"ok": true}' in done.stdout
    (seen,) = recorder.seen
    assert (seen["method"], seen["key"]) == (call.method, KEY)
    expected = {
        "get": "/weather/places/S%C3%A3o%20Paulo%2F1?days=3",
        "post": "/weather/notes",
        "delete": "/weather/notes/1",
    }
    assert seen["path"] == expected[name]
    if name == "post":
        assert (seen["type"], seen["region"]) == ("application/json", "eu")
        assert json.loads(seen["body"]) == {"note": AWKWARD}


def test_go_names_only_the_packages_it_uses() -> None:
    call = call_of(ENDPOINTS["get"], base_url="https://gw.example/a")
    codes = {row.language: row.code for row in snippets_of(call, secret=KEY)}

    assert '"os"' not in codes["go"]
    assert '"strings"' not in codes["go"]
    assert codes["go"].count("{") == codes["go"].count("}")


def test_headers_that_are_none_are_left_out() -> None:
    endpoint = Endpoint(
        method="GET",
        path="/a",
        parameters=[
            {"name": "@/etc/passwd", "in": "header", "required": True, "example": "x"},
            {"name": "Authorization", "in": "header", "required": True, "example": "x"},
            {"name": "X-Note", "in": "header", "required": True, "example": "a\r\nX-Evil: 1"},
        ],
    )

    call = call_of(endpoint, base_url="https://gw.example", headers=["X-Region", "bad name"])

    assert call.headers == (("X-Region", "X-REGION"), ("X-Note", "a X-Evil: 1"))
