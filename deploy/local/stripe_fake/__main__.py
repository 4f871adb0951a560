"""`python -m deploy.local.stripe_fake --bind 127.0.0.1:12111 --state DIR`."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from deploy.local.stripe_fake.events import SECRET_VARIABLE, URL_VARIABLE
from deploy.local.stripe_fake.server import StripeServer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.stripe_fake",
        description="A stateful Stripe on loopback.",
        epilog=f"{URL_VARIABLE} and {SECRET_VARIABLE} in the environment name an endpoint that "
        "gets every event.",
    )
    parser.add_argument("--bind", default="127.0.0.1:12111", metavar="HOST:PORT")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument("--retry-base-s", type=float, default=1.0, metavar="SECONDS")
    options = parser.parse_args()
    host, _, port = options.bind.rpartition(":")
    with StripeServer(host, int(port), options.state, retry_base_s=options.retry_base_s) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for the loop below to end, so another thread must call it.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"Local Stripe on {server.url}", flush=True)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
