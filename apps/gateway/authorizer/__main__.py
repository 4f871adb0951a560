"""`python -m apps.gateway.authorizer`: one authorizer process."""

from __future__ import annotations

import logging
import sys

import uvloop

from apps.gateway.authorizer.config import AuthorizerSettings
from apps.gateway.authorizer.service import serve
from apps.gateway.environment import SettingError
from apps.gateway.logs import log_to_stderr


def main() -> int:
    """Serve until told to stop; return the exit status."""
    log_to_stderr("authorizer")
    try:
        settings = AuthorizerSettings.from_environment()
        uvloop.run(serve(settings))
    except (SettingError, OSError) as error:
        logging.getLogger(__name__).critical("cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
