"""`manage.py run_relay`: drain the outbox until told to stop."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core.relay import Relay
from apps.core.startup import require_ready


class Command(BaseCommand):
    """The relay process."""

    help = "Deliver outbox messages and run the leader's loops until SIGTERM."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Check that everything is there, then serve."""
        require_ready()
        relay = Relay(name=f"relay:{settings.NODE_NAME}")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: relay.stop())
        self.stdout.write("relay: ready")
        relay.run()
