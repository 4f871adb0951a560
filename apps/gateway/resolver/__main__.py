"""`python -m apps.gateway.resolver`: the name server that Caddy's upstream transport asks."""

from __future__ import annotations

import logging
import sys

import uvloop

from apps.gateway.environment import SettingError
from apps.gateway.logs import log_to_stderr
from apps.gateway.resolver.config import ResolverSettings
from apps.gateway.resolver.service import serve


def main() -> int:
    """Serve until told to stop; return the exit status."""
    log_to_stderr("resolver")
    try:
        uvloop.run(serve(ResolverSettings.from_environment()))
    except (SettingError, OSError) as error:
        logging.getLogger(__name__).critical("cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
