"""A stand-in for who reports leaked keys: it has real keys on P-256, publishes them over HTTP, and signs with them."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass
class Scanner:
    """Who scans. `published` are the PEMs that its page shows; `asked` counts who looked at it."""

    url: str = ""
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    status: int = 200

    def new_key(self, key_id: str) -> None:
        """Make a key and publish its public part."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.keys[key_id] = key
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.published[key_id] = pem.decode()

    def signed(self, body: bytes, key_id: str = "first") -> dict[str, str]:
        """Return the headers that go with a body."""
        signature = self.keys[key_id].sign(body, ec.ECDSA(hashes.SHA256()))
        return {
            "Github-Public-Key-Identifier": key_id,
            "Github-Public-Key-Signature": b64encode(signature).decode(),
        }


@contextmanager
def running_scanner() -> Iterator[Scanner]:
    """Run the page of public keys on a port of its own."""
    scanner = Scanner()
    scanner.new_key("first")

    class Handler(BaseHTTPRequestHandler):
        """Publishes the keys."""

        def do_GET(self) -> None:
            """Answer the list."""
            scanner.asked += 1
            rows: list[dict[str, Any]] = [
                {"key_identifier": key_id, "key": pem, "is_current": True}
                for key_id, pem in scanner.published.items()
            ]
            answer = json.dumps({"public_keys": rows}).encode()
            self.send_response(scanner.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scanner.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield scanner
    server.shutdown()
    server.server_close()
    thread.join()
