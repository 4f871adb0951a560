"""`manage.py run_usage_processor`: work off the usage inbox until told to stop."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core.startup import require_ready
from apps.usage.processor import UsageProcessor


class Command(BaseCommand):
    """The usage processor."""

    help = "Turn inbox batches into events and windows until SIGTERM."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Check that everything is there, then serve."""
        require_ready()
        processor = UsageProcessor(name=f"usage-processor:{settings.NODE_NAME}")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: processor.stop())
        self.stdout.write("usage processor: ready")
        processor.run()
