"""`manage.py key_peppers`: how many keys hang on each pepper."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.keys.selectors import keys_per_pepper


class Command(BaseCommand):
    """Tells which peppers may be taken out of KEY_PEPPERS."""

    help = "Show how many keys that have not ended hang on each pepper."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write one line per pepper, the newest first."""
        counts = keys_per_pepper()
        for number in sorted({*counts, *settings.KEY_PEPPERS}, reverse=True):
            state = "configured" if number in settings.KEY_PEPPERS else "MISSING from KEY_PEPPERS"
            self.stdout.write(f"{number}\t{counts.get(number, 0)}\t{state}")
