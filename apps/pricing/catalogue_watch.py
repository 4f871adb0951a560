"""Watches the catalogue's files from the relay that leads: what changed is loaded within seconds, without a restart.

A look costs a few `stat` calls. Files are read once they stand still for a look, so that a half-written one is
not. What was tried already, and what was rolled back since, is not tried again before the files change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog
from django.conf import settings

from apps.core.actors import Actor
from apps.core.relay import leader_loop
from apps.pricing.catalogue.content import SUFFIXES, digest_of, files_at
from apps.pricing.exceptions import CatalogueInvalid, CatalogueUnreadable
from apps.pricing.models import CatalogueLoad
from apps.pricing.services import load_catalogue

logger = structlog.get_logger(__name__)

LOOK_INTERVAL_S: Final = 2.0
TRIGGER: Final = "watcher"

# Name, time of change in nanoseconds and size of each file.
Look = tuple[tuple[str, int, int], ...]


class CatalogueWatcher:
    """Remembers the last two looks."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._last: Look | None = None
        self._handled: Look | None = None

    def look(self, path: Path) -> bool:
        """Load the files if they changed and stand still; tell whether a load was tried."""
        seen = _look_at(path)
        is_still = seen == self._last
        self._last = seen
        if not is_still or seen == self._handled:
            return False
        self._handled = seen
        return self._load_if_new(path)

    def _load_if_new(self, path: Path) -> bool:
        try:
            digest = digest_of(files_at(path))
        except CatalogueUnreadable:
            digest = ""
        last = CatalogueLoad.objects.first()
        if last is not None and last.digest == digest:
            return False
        actor = Actor.system("pricing catalogue watcher")
        try:
            load = load_catalogue(path=path, trigger=TRIGGER, actor=actor)
        except (CatalogueInvalid, CatalogueUnreadable) as error:
            # It is noted with its problems, shown to operators, and counted by the metrics.
            logger.warning("pricing.catalogue_refused", reason=str(error.detail))
        else:
            logger.info("pricing.catalogue_loaded", outcome=load.outcome)
        return True


_watcher = CatalogueWatcher()


@leader_loop(name="pricing.catalogue", interval_s=LOOK_INTERVAL_S)
def watch_catalogue() -> bool:
    """Look at the operator's files, if there are any."""
    if settings.PRICING_CATALOGUE:
        _watcher.look(Path(settings.PRICING_CATALOGUE))
    return False  # files do not change because one was loaded


def _look_at(path: Path) -> Look:
    """Return what can be told of the files without reading them; nothing of what is not there."""
    try:
        files = (
            [item for item in path.iterdir() if item.suffix in SUFFIXES]
            if path.is_dir()
            else [path]
        )
        facts = [(item.name, item.stat()) for item in files]
    except OSError:
        return ()
    return tuple(sorted((name, fact.st_mtime_ns, fact.st_size) for name, fact in facts))
