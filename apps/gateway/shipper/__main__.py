"""`python -m apps.gateway.shipper`: the shipper of one gateway."""

from __future__ import annotations

import logging
import signal
import sys
from threading import Event

import msgspec

from apps.gateway.environment import SettingError
from apps.gateway.logs import log_to_stderr
from apps.gateway.shipper.config import ShipperSettings
from apps.gateway.shipper.service import Shipper


def main() -> int:
    """Ship until told to stop; return the exit status."""
    log_to_stderr("shipper")
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        Shipper(ShipperSettings.from_environment(), stopped).run()
    except (SettingError, OSError, msgspec.MsgspecError) as error:
        logging.getLogger(__name__).critical("stopped: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
