"""Errors reach the reporting service with release and environment, and without people or secrets."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sentry_sdk
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from apps.core.exceptions import NotFound
from apps.core.sentry import init_sentry

SECRETS = (
    "acme@example.com",
    "tgk_live_0123456789abcdefghij",
    "tgt_abcdefghijklmnopqrstuvwxyz012345",
    "correct-horse-battery",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "sessionvalue123",
)


def failing_view(request: HttpRequest) -> HttpResponse:
    logging.getLogger(__name__).warning("mail to %s with %s", SECRETS[0], SECRETS[2])
    raise RuntimeError(f"no route for {SECRETS[0]} with {SECRETS[1]}")


urlpatterns = [path("api/fail", failing_view)]
handler500 = "apps.core.views.server_error"


class Sink:
    """Takes what the SDK posts."""

    def __init__(self) -> None:
        sink = self
        self.items: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                lines = body.decode().splitlines()
                sink.items.extend(json.loads(line) for line in lines[2::2] if line)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server.server_port}/7"

    def events(self) -> list[dict[str, Any]]:
        sentry_sdk.flush(timeout=5)
        return [item for item in self.items if "exception" in item]


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    with override_settings(
        SENTRY_DSN=sink.dsn, RELEASE="1.2.3", ENVIRONMENT="staging", ROOT_URLCONF=__name__
    ):
        init_sentry()
        yield sink
    sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.get_global_scope().set_client(None)
    sink.server.shutdown()
    sink.server.server_close()


@pytest.mark.django_db
def test_an_error_arrives_with_release_and_environment_and_without_secrets(sink: Sink) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = SECRETS[5]

    response = client.post(
        f"/api/fail?key={SECRETS[1]}&password={SECRETS[3]}",
        {"password": SECRETS[3]},
        headers={"authorization": f"Bearer {SECRETS[4]}", "x-subscription-key": SECRETS[1]},
    )

    assert response.status_code == 500
    (event,) = sink.events()
    assert (event["release"], event["environment"]) == ("1.2.3", "staging")
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert event["exception"]["values"][-1]["value"] == "no route for [removed] with [removed]"
    assert event["breadcrumbs"]["values"][-1]["message"] == "mail to [removed] with [removed]"
    sent = json.dumps(sink.items)
    assert [secret for secret in SECRETS if secret in sent] == []


def test_a_refusal_is_not_an_error(sink: Sink) -> None:
    sentry_sdk.capture_exception(NotFound())

    assert sink.events() == []
