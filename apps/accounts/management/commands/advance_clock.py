"""`manage.py advance_clock org_… --by 31d`: move a sandbox's test clock, and see what happens on the way."""

from __future__ import annotations

import re
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import services
from apps.accounts.models import Organization
from apps.accounts.services import Step
from apps.accounts.timed_work import label_of
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.core.ids import InvalidPublicIdError, parse_public_id

UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
SPAN: Final = re.compile(r"(\d{1,6})([wdhms])")
WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 300


class Command(BaseCommand):
    """Takes the steps itself, so it needs no running relay; one that runs helps."""

    help = "Move a sandbox organization's test clock forward; what falls due on the way happens in order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the organization and how far."""
        parser.add_argument("organization", help="public id (org_…) or slug")
        how_far = parser.add_mutually_exclusive_group(required=True)
        how_far.add_argument("--by", help="a span: 31d, 2w, 36h, 1d12h")
        how_far.add_argument(
            "--to", help="a moment: 2026-03-01 or 2026-03-01T00:00:00+02:00 (UTC unless it says)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Start the move, then carry it on until it has arrived."""
        organization = _find(options["organization"])
        how_far = {"by": _span(options["by"])} if options["by"] else {"to": _moment(options["to"])}
        running = services.get_clock_jump(organization)
        if running is not None and running.is_advancing:
            # Most likely this command was stopped on its way, and is given again.
            self.stdout.write(
                "An earlier move has not arrived. It is carried on; say it again to go further."
            )
            self._arrive(organization)
            return
        try:
            services.advance_clock(
                organization=organization, actor=Actor.system("advance_clock"), **how_far
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self._arrive(organization)

    def _arrive(self, organization: Organization) -> None:
        self._follow(organization)
        organization.refresh_from_db()
        self.stdout.write(
            f"{organization.slug}: {clock.business_now(organization):%Y-%m-%d %H:%M} UTC"
        )

    def _follow(self, organization: Organization) -> None:
        jump = services.get_clock_jump(organization)
        assert jump is not None  # noqa: S101 -- it was just made
        waited_s = 0.0
        while True:
            step = services.take_clock_step(jump_id=jump.pk)
            for name, count in step.happened.items():
                self.stdout.write(f"{step.at:%Y-%m-%d %H:%M} UTC  {label_of(name)}: {count}")
            if step.outcome is Step.ARRIVED:
                return
            if step.outcome is Step.WAITING:
                if waited_s >= LONGEST_WAIT_S:
                    raise CommandError(
                        "Calls are still on their way. The relay carries the clock on."
                    )
                time.sleep(WAIT_S)
                waited_s += WAIT_S


def _find(name: str) -> Organization:
    try:
        wanted: dict[str, Any] = {"pk": parse_public_id(Organization.id_prefix, name)}
    except InvalidPublicIdError:
        wanted = {"slug": name}
    found = Organization.objects.filter(**wanted).first()
    if found is None:
        raise CommandError(f"There is no organization {name!r}.")
    return found


def _span(text: str) -> timedelta:
    parts = SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise CommandError(f"{text!r} is no span. Write it as 31d, 2w, 36h or 1d12h.")
    return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no moment. Write it as 2026-03-01T00:00:00Z.") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
