"""`manage.py create_staff_user`: make a person of the operator, for a new installation or a new colleague."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.enums import StaffRole
from apps.accounts.services import create_staff_user
from apps.core.actors import Actor

PASSWORD_VARIABLE = "STAFF_PASSWORD"  # noqa: S105 -- a variable's name


class Command(BaseCommand):
    """Gives the roles named; a person who exists keeps their password."""

    help = f"Create a back-office user. The password is read from {PASSWORD_VARIABLE} or asked for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--role", dest="roles", action="append", choices=StaffRole.values, required=True
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass()
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError("Password: " + " ".join(error.messages)) from error
        user = create_staff_user(
            email=options["email"],
            password=password,
            roles=frozenset(StaffRole(role) for role in options["roles"]),
            name=options["name"],
            actor=Actor.system("create_staff_user"),
        )
        self.stdout.write(f"{user.email}: {', '.join(sorted(options['roles']))}")
