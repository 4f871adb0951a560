"""`manage.py render_gateway_config`: Caddy's configuration, for a first start without the admin API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.gateway.caddy_config import render_text
from apps.gateway.caddy_settings import gateway_config_from_environment
from apps.gateway.environment import SettingError


class Command(BaseCommand):
    help = "Print Caddy's configuration, or write it to a file that only its owner can read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, help="File to write instead of standard output.")

    def handle(self, *_args: Any, output: Path | None, **_options: Any) -> None:
        try:
            text = render_text(gateway_config_from_environment())
        except SettingError as error:
            raise CommandError(str(error)) from error
        if output is None:
            self.stdout.write(text, ending="")
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        draft = output.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        draft.replace(output)
