"""How long decisions may take, and in which hours that time runs."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import StaffRole
from apps.approvals.business_hours import CalendarError, parse_calendar
from apps.approvals.enums import REVIEW_ROLES, Priority
from apps.core.models import Entity

CALENDAR_ERRORS: Final = {
    "unknown_zone": _("This is not a time zone of the IANA database."),
    "not_an_object": _("Give the hours as an object from weekday to ranges."),
    "unknown_weekday": _("“%(value)s” is no weekday: use mon, tue, wed, thu, fri, sat and sun."),
    "never_open": _("At least one weekday must have hours."),
    "not_a_list": _("Give a list."),
    "overlap": _("Two ranges of a day overlap."),
    "bad_range": _("“%(value)s” is no range of hours such as 09:00-17:00."),
    "bad_date": _("“%(value)s” is no date such as 2026-12-25."),
}


def default_weekday_hours() -> dict[str, list[str]]:
    """Return nine to five from Monday to Friday."""
    return {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


class BusinessCalendar(Entity):
    """The hours in which the operator's people work. There is one row, the default calendar.

    `weekday_hours` maps `mon` … `sun` to ranges such as `"09:00-17:00"` in the calendar's zone; a day without an entry
    is closed. `holidays` are ISO dates.
    """

    id_prefix = "bca"

    name = models.CharField(_("name"), max_length=60, unique=True, default="default")
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    weekday_hours = models.JSONField(_("opening hours"), default=default_weekday_hours)
    holidays = models.JSONField(_("holidays"), default=list, blank=True)

    class Meta:
        """Few rows."""

        verbose_name = _("business calendar")
        verbose_name_plural = _("business calendars")

    def __str__(self) -> str:
        return f"{self.name} ({self.timezone})"

    def clean(self) -> None:
        """Refuse hours, days and zones that no deadline could be computed with."""
        super().clean()
        try:
            parse_calendar(
                timezone=self.timezone, weekday_hours=self.weekday_hours, holidays=self.holidays
            )
        except CalendarError as error:
            text = CALENDAR_ERRORS[error.code] % {"value": error.value}
            raise ValidationError({error.field: text}) from None


class SlaPolicy(Entity):
    """How long a decision may take, by subject type and priority. Empty type: the default.

    Hours are hours of the business calendar where `uses_business_hours` says so, else of the clock on the wall.
    """

    id_prefix = "sla"

    subject_type = models.CharField(_("subject type"), max_length=60, blank=True)
    priority = models.CharField(_("priority"), max_length=8, choices=Priority)
    response_hours = models.PositiveIntegerField(
        _("hours to a first response"), null=True, blank=True
    )
    resolution_hours = models.PositiveIntegerField(_("hours to a decision"))
    escalate_after_hours = models.PositiveIntegerField(
        _("hours to escalation"),
        null=True,
        blank=True,
        help_text=_("Empty: when the time for a decision is over."),
    )
    escalate_to = models.CharField(
        _("escalate to"),
        max_length=12,
        choices=[(role.value, role.label) for role in REVIEW_ROLES],
        default=StaffRole.OPERATOR,
        db_default=StaffRole.OPERATOR.value,
    )
    uses_business_hours = models.BooleanField(
        _("count business hours only"), default=False, db_default=False
    )
    expires_after_days = models.PositiveIntegerField(
        _("days until it expires"),
        null=True,
        blank=True,
        help_text=_("Empty: it waits until somebody decides."),
    )
    default_assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("assignee"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Gets new requests of this kind; empty: nobody does."),
    )

    class Meta:
        """One policy per type and priority; a response comes before the decision."""

        verbose_name = _("SLA policy")
        verbose_name_plural = _("SLA policies")
        constraints = (
            models.UniqueConstraint(
                fields=("subject_type", "priority"), name="approvals_sla_unique"
            ),
            models.CheckConstraint(
                condition=Q(response_hours=None) | Q(response_hours__lte=F("resolution_hours")),
                name="approvals_sla_response_first",
                violation_error_message=_("A response must come before the decision."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject_type or '*'} {self.priority}: {self.resolution_hours} h"

    def terms(self) -> dict[str, Any]:
        """Return what the policy says, for the audit trail."""
        names = (
            "subject_type", "priority", "response_hours", "resolution_hours", "escalate_after_hours",
            "escalate_to", "uses_business_hours", "expires_after_days", "default_assignee_id",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}
