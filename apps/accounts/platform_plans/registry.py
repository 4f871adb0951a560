"""The plans that hold now: the file of the settings, read again when it changes.

Each process looks at the file's time and size, at most once a second. What cannot be used is logged as
`platform_plans.refused` once, and what held before keeps holding.
"""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import Final

import structlog
from django.conf import settings

from apps.accounts.platform_plans.definitions import PlatformPlan, PlatformPlans
from apps.accounts.platform_plans.reading import PlansFileError, load_plans

logger = structlog.get_logger(__name__)

LOOKED_AT_S: Final = 1.0
_Stamp = tuple[str, int, int, int]


class _Registry:
    """What was read, of which state of the file."""

    def __init__(self) -> None:
        self._plans: PlatformPlans | None = None
        self._stamp: _Stamp | None = None
        self._path = ""
        self._looked_at = 0.0

    def current(self) -> PlatformPlans:
        path, now = str(settings.PLATFORM_PLANS_FILE), monotonic()
        is_same = path == self._path
        if self._plans is not None and is_same and now - self._looked_at < LOOKED_AT_S:
            return self._plans
        stamp = _stamp_of(path)
        if self._plans is None or not is_same:
            self._plans = load_plans(Path(path))
        elif stamp != self._stamp:
            self._plans = self._reread(path, self._plans)
        self._stamp, self._path, self._looked_at = stamp, path, now
        return self._plans

    def _reread(self, path: str, held: PlatformPlans) -> PlatformPlans:
        try:
            plans = load_plans(Path(path))
        except PlansFileError as error:
            logger.exception("platform_plans.refused", line=error.line, reason=error.reason)
            return held
        logger.info("platform_plans.read", digest=plans.digest, plans=len(plans.plans))
        return plans

    def forget_time(self) -> None:
        self._looked_at = 0.0


_registry: Final = _Registry()


def _stamp_of(path: str) -> _Stamp | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- on every lookup of a process
    except OSError:
        return None
    return path, found.st_ino, found.st_mtime_ns, found.st_size


def current_plans() -> PlatformPlans:
    """Return the plans that hold now.

    Raises:
        PlansFileError: the first reading in this process failed; the start is stopped before that.
    """
    return _registry.current()


def look_again() -> None:
    """Look at the file at the next question, whenever it was last looked at."""
    _registry.forget_time()


def default_plan() -> PlatformPlan:
    """Return the plan of an organization that was given none: `PLATFORM_DEFAULT_PLAN`."""
    plans = current_plans()
    return plans.find(settings.PLATFORM_DEFAULT_PLAN) or plans.smallest
