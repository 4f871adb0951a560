"""Refusals of this app."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, DomainError, RuleViolated


class UsageNotComplete(Conflict):
    """Calls of the period may still be on their way."""

    code = "usage_not_complete"
    title = _("Calls of this period may still be on their way")


class NoRunningPeriod(Conflict):
    """The subscription has not begun or has ended, so nothing is counted."""

    code = "no_running_period"
    title = _("The subscription has no running period")


class NodeStillReports(Conflict):
    """The node's shipper was heard within the last minute: stop it first."""

    code = "node_still_reports"
    title = _("The node still reports")


class NodeRetired(Conflict):
    """The node was retired before; it is in service again as soon as it reports."""

    code = "node_retired"
    title = _("The node is retired already")


class ExportTooLarge(RuleViolated):
    """The export would have more rows or bytes than one file may. Choose a shorter period or narrower filters."""

    code = "export_too_large"
    title = _("The export is too large for one file")


class TooManyExports(Conflict):
    """The organization has as many unfinished exports as it may have. Wait for one, or cancel it."""

    code = "too_many_exports"
    title = _("Too many exports are being written")


class ExportNotReady(Conflict):
    """There is no file to fetch: the export is still being written, was cancelled, failed, or has expired."""

    code = "export_not_ready"
    title = _("The export has no file to fetch")


class BudgetIsArchived(Conflict):
    """The budget was taken out of use; make a new one."""

    code = "budget_is_archived"
    title = _("The budget is out of use")


class TooManyBudgets(Conflict):
    """The organization has the most budgets that it may have; archive one first."""

    code = "too_many_budgets"
    title = _("Archive a budget before you make another one")


class RewindRunning(Conflict):
    """Another rewind of some of these windows has not ended."""

    code = "rewind_running"
    title = _("Another rewind of some of these windows has not ended")


class RewindNotApplicable(Conflict):
    """Only a dry run that succeeded can be applied, and only a rewind that failed can go on."""

    code = "rewind_not_applicable"
    title = _("The rewind's state does not allow this")


class LateEventResolved(Conflict):
    """A late event that revised its window, was settled or was waived cannot be waived any more."""

    code = "late_event_resolved"
    title = _("The late event is not open any more")


class EventsDropped(Conflict):
    """The range's windows cannot be computed anew: their events are not stored any more."""

    code = "events_dropped"
    title = _("The events of this range are not stored any more")

    def __init__(self, *, month: date) -> None:
        """Name the month."""
        super().__init__(
            _(
                "The events of %(month)s are not stored any more, so its windows cannot be computed. Choose a later start."
            )
            % {"month": f"{month:%Y-%m}"},
            field="from",
            month=f"{month:%Y-%m}",
        )


class ArchiveDamaged(DomainError):  # noqa: N818 -- named for the fact, as the others
    """The file of archived calls is missing or is not what was written. Restore it from the backup."""

    code = "archive_damaged"
    status = 500
    title = _("Archived calls cannot be read")

    def __init__(self, detail: str, *, archive_id: UUID) -> None:
        """Say what is wrong, and remember of which archive."""
        super().__init__(detail)
        self.archive_id = archive_id


class ArchiveUnusable(Conflict):
    """The range lies in an archive that could not be read when it was checked last. Restore its file and check it again."""

    code = "archive_unusable"
    title = _("Archived calls of this range cannot be read")

    def __init__(self, *, month: date) -> None:
        """Name the month."""
        super().__init__(
            _(
                "The archive of %(month)s is damaged. Restore its file from the backup and verify it, then try again."
            )
            % {"month": f"{month:%Y-%m}"},
            field="from",
            month=f"{month:%Y-%m}",
        )


class MonthNotArchivable(Conflict):
    """The month's calls must stay in the database for now, or are not there."""

    code = "month_not_archivable"
    title = _("This month cannot be archived now")


class ReplayWaiting(Conflict):
    """The node was asked for another replay, which has not ended."""

    code = "replay_waiting"
    title = _("Another replay of this node has not ended")


class ReplayOver(Conflict):
    """The replay was ended before its node answered."""

    code = "replay_over"
    title = _("This replay is over already")


class DriftRunning(Conflict):
    """Another process compares just now; its report will say what it found."""

    code = "drift_running"
    title = _("A comparison is running already")


class MeterInUse(Conflict):
    """It has counted already, or a published price charges for it. Create another meter, and archive this one."""

    code = "meter_in_use"
    title = _("The meter is in use; make a new one instead, and archive this one")


class MeterArchived(Conflict):
    """An archived meter counts no more, and is kept for what it counted."""

    code = "meter_archived"
    title = _("The meter is archived")


class MeterKeyTaken(Conflict):
    """A key stands for one meter of an API, also after that is archived."""

    code = "meter_key_taken"
    title = _("The API has a meter of this key already")


class CounterExplained(Conflict):
    """The last comparison found the counter in order, or it was lowered since."""

    code = "counter_explained"
    title = _("The last comparison found nothing too much in this counter")
