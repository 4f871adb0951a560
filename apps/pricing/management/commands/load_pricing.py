"""Loads the operator's catalogue of pricing models."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.pricing.catalogue.content import files_at, read_catalogue
from apps.pricing.catalogue.problems import CatalogueProblem
from apps.pricing.catalogue.schema import catalogue_schema
from apps.pricing.services import configured_path, load_catalogue


class Command(BaseCommand):
    """Load a catalogue: `manage.py load_pricing [PATH] [--check]`."""

    help = (
        "Load pricing models from YAML: all of them, or nothing. See docs/domain/catalogue-yaml.md."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the path, and whether to check only."""
        parser.add_argument(
            "path",
            type=Path,
            nargs="?",
            help="a YAML file, or a directory of them; PRICING_CATALOGUE unless given",
        )
        parser.add_argument(
            "--check", action="store_true", help="read and check only; needs no database"
        )

        parser.add_argument(
            "--schema", action="store_true", help="print the JSON Schema of the files, and stop"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check or load, and say what came of it."""
        if options["schema"]:
            self.stdout.write(json.dumps(catalogue_schema(), indent=2))
            return
        try:
            path = options["path"] or configured_path()
            if options["check"]:
                content = read_catalogue(files_at(path))
                self.stdout.write(f"{path}: good, {len(content.models)} pricing models.")
                return
            load = load_catalogue(path=path, trigger="command", actor=Actor.system("load_pricing"))
        except DomainError as error:
            problems = [CatalogueProblem(**each) for each in error.extra.get("errors", [])]
            lines = [str(problem) for problem in problems] or [str(error.detail)]
            raise CommandError("\n".join(lines)) from None
        made = f": revision {load.revision.number}" if load.revision else ""
        self.stdout.write(f"{path}: {load.outcome}{made}.")
