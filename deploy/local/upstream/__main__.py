"""`python -m deploy.local.upstream --bind 127.0.0.1:8082`; UPSTREAM_BIND stands in for the option."""

from __future__ import annotations

import argparse
import os

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops

BACKLOG = 1024


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.upstream", description="An API about cities and currencies."
    )
    default = os.environ.get("UPSTREAM_BIND", "127.0.0.1:8082")
    parser.add_argument("--bind", default=default, metavar="HOST:PORT")
    host, _, port = parser.parse_args().bind.rpartition(":")
    Granian(
        "deploy.local.upstream.application:application",
        address=host,
        port=int(port),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        loop=Loops.uvloop,
        # One process: what `/_seen` counts must be everything that arrived.
        workers=1,
        backlog=BACKLOG,
        websockets=False,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main()
