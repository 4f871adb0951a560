"""Entry point of the Makefile's targets: `python3 -m deploy.local <command>`."""

import sys

# Plain syntax up to here: an old Python must be able to say this.
if sys.version_info < (3, 11):  # noqa: UP036 -- the check itself
    sys.exit(
        "tollgate: Python 3.11 or newer is needed, this is "
        + sys.version.split()[0]
        + "; name another one: make PYTHON=python3.12 run"
    )

from deploy.local.cli import main

main()
