"""`manage.py render_gateway_config`: the proxy's configuration, for a first start without the admin API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.gateway.caddy_config import render_text
from apps.gateway.caddy_settings import gateway_config_from_environment, nginx_pools
from apps.gateway.environment import SettingError
from apps.gateway.nginx_config import render_nginx


class Command(BaseCommand):
    help = "Print the configuration of Caddy or nginx, or write it to a file that only its owner can read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--proxy", choices=("caddy", "nginx"), default="caddy")
        parser.add_argument("--output", type=Path, help="File to write instead of standard output.")

    def handle(self, *_args: Any, proxy: str, output: Path | None, **_options: Any) -> None:
        try:
            config = gateway_config_from_environment()
            is_nginx = proxy == "nginx"
            text = render_nginx(config, pools=nginx_pools()) if is_nginx else render_text(config)
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
