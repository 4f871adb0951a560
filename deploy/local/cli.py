"""The commands of the launcher."""

import subprocess
import sys
from collections.abc import Callable
from typing import Final

from deploy.local.bootstrap import enter_virtualenv
from deploy.local.errors import LauncherError


def main() -> None:
    """Run the command named on the command line; known errors are one line, not a traceback."""
    arguments = sys.argv[1:]
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.exit(f"usage: python -m deploy.local {'|'.join(COMMANDS)}")
    try:
        COMMANDS[arguments[0]]()
    except LauncherError as error:
        sys.exit(f"tollgate: {error}")
    except KeyboardInterrupt:
        sys.exit("tollgate: interrupted")


def _run() -> None:
    enter_virtualenv("local")
    # The virtual environment's packages can be imported from here on.
    from deploy.local.run import run  # noqa: PLC0415 -- see above

    run()


def _test() -> None:
    enter_virtualenv("test")
    from deploy.local.checks import run_everything  # noqa: PLC0415 -- see _run

    run_everything()


def _check() -> None:
    enter_virtualenv("test")
    from deploy.local.checks import run_quick  # noqa: PLC0415 -- see _run

    run_quick()


def _messages() -> None:
    enter_virtualenv("test")
    from deploy.local.translations import update_catalogues  # noqa: PLC0415 -- see _run

    update_catalogues()


def _schema() -> None:
    enter_virtualenv("test")
    from deploy.local.schema import write_schema  # noqa: PLC0415 -- see _run

    write_schema()


def _bench() -> None:
    enter_virtualenv("test")
    status = subprocess.run([sys.executable, "-m", "benchmarks"], check=False).returncode
    sys.exit(status)


def _clean() -> None:
    from deploy.local.clean import clean  # noqa: PLC0415 -- only this command needs it

    clean()


def _prepare() -> None:
    """Make and fill the virtual environment for the targets that run tools themselves."""
    enter_virtualenv("test")


COMMANDS: Final[dict[str, Callable[[], None]]] = {
    "run": _run,
    "test": _test,
    "check": _check,
    "messages": _messages,
    "schema": _schema,
    "bench": _bench,
    "prepare": _prepare,
    "clean": _clean,
}
