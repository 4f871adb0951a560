"""`manage.py rewind_usage`: compute windows anew from stored events."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.usage.models import UsageRewind
from apps.usage.rewind_scopes import find_scope
from apps.usage.selectors import list_differences
from apps.usage.services import carry_out_rewind, request_rewind


class Command(BaseCommand):
    """Shows what would differ; with `--apply`, changes it. Works in this process and tells how far it is."""

    help = "Compute usage windows anew from stored events: a dry run unless --apply is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the range, the scope and the reason."""
        parser.add_argument(
            "--from", dest="start", required=True, help="ISO time; UTC without an offset"
        )
        parser.add_argument("--until", required=True, help="ISO time; not included")
        parser.add_argument("--api", default="", help="only this API: api_…")
        parser.add_argument("--subscription", default="", help="only this subscription: sub_…")
        parser.add_argument("--meter", default="", help="only this meter, by its key")
        parser.add_argument("--reason", required=True, help="stays in the audit trail")
        parser.add_argument("--apply", action="store_true", help="change what differs")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, and print every window that differs."""
        try:
            scope = find_scope(
                start=_instant(options["start"], "--from"),
                end=_instant(options["until"], "--until"),
                api_id=options["api"],
                subscription_id=options["subscription"],
                meter=options["meter"],
            )
            rewind = request_rewind(
                scope=scope,
                is_dry_run=not options["apply"],
                reason=options["reason"],
                actor=Actor.system("rewind_usage"),
                in_background=False,
            )
        except DomainError as error:
            raise CommandError(str(error.detail)) from error
        done = carry_out_rewind(rewind_id=rewind.pk, on_progress=self._tell)
        self._print(done)

    def _tell(self, done: int, total: int) -> None:
        if done == total or done % 100 == 0:
            self.stderr.write(f"{done} of {total} subscription days")

    def _print(self, rewind: UsageRewind) -> None:
        for row in list_differences(rewind).order_by("id").iterator(chunk_size=500):
            self.stdout.write(
                f"{row.window_start.isoformat()} {row.subscription.public_id} {row.meter}{row.dimensions}"
                f" {row.was_quantity.normalize():f} -> {row.quantity.normalize():f} {row.state}"
            )
        self.stdout.write(
            f"{rewind.public_id}: {rewind.window_count} windows, {rewind.difference_count} different,"
            f" {rewind.revised_count} revised, {rewind.kept_count} kept for billing"
        )


def _instant(text: str, option: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option}: {text!r} is no ISO time") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
