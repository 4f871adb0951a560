"""Entry point of the Makefile's targets: `python3 -m deploy.local <command>`."""

import sys

if sys.version_info < (3, 11):
    # Plain syntax up to here: an old Python must be able to say this.
    sys.exit(
        "tollgate: Python 3.11 or newer is needed, this is %s.%s; "
        "name another one: make PYTHON=python3.12 run" % sys.version_info[:2]
    )

from deploy.local.cli import main

main()
