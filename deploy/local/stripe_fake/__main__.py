"""`python -m deploy.local.stripe_fake --bind 127.0.0.1:12111 --state DIR`.

STRIPE_FAKE_BIND and TOLLGATE_STATE_DIR in the environment stand in for the options.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path

from deploy.local.stripe_fake.events import SECRET_VARIABLE, URL_VARIABLE
from deploy.local.stripe_fake.server import StripeServer


def _default_bind() -> str:
    return os.environ.get("STRIPE_FAKE_BIND", "127.0.0.1:12111")


def _default_state() -> Path | None:
    folder = os.environ.get("TOLLGATE_STATE_DIR")
    return Path(folder) / "stripe" if folder else None


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.stripe_fake",
        description="A stateful Stripe on loopback.",
        epilog=f"{URL_VARIABLE} and {SECRET_VARIABLE} in the environment name an endpoint that "
        "gets every event.",
    )
    parser.add_argument("--bind", default=_default_bind(), metavar="HOST:PORT")
    parser.add_argument("--state", type=Path, default=_default_state(), metavar="DIR")
    parser.add_argument("--retry-base-s", type=float, default=1.0, metavar="SECONDS")
    options = parser.parse_args()
    if options.state is None:
        parser.error("--state or TOLLGATE_STATE_DIR must name a folder")
    host, _, port = options.bind.rpartition(":")
    with StripeServer(host, int(port), options.state, retry_base_s=options.retry_base_s) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for the loop below to end, so another thread must call it.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"Local Stripe on {server.url}", flush=True)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
