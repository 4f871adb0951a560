"""`manage.py register_shipper_token`: let the shipper's token send usage events."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.services.platform_tokens import adopt_platform_token
from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.gateway.environment import SettingError, read_text
from apps.usage.constants import PLATFORM_PERMISSION

VARIABLE = "SHIPPER_TOKEN"


class Command(BaseCommand):
    """Stores the digest of SHIPPER_TOKEN; safe to run again, and with a new token to rotate it."""

    help = "Register SHIPPER_TOKEN from the environment as the shipper's service token."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Adopt the token, or say what to do."""
        try:
            secret = read_text(VARIABLE)
            adopt_platform_token(
                name="shipper",
                secret=secret,
                permissions=frozenset({PLATFORM_PERMISSION}),
                actor=Actor.system("register_shipper_token"),
            )
        except DomainError as error:
            raise CommandError(f"{VARIABLE}: {error.detail}") from error
        except SettingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("shipper token: registered")
