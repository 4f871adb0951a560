"""The deadlines, and the hours in which they run."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field, ForeignKey
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from apps.approvals import selectors, services
from apps.approvals.admin.routes import REVIEWERS
from apps.approvals.forms import LinesField, PersonField, WeekdayHoursField, hours_by_day
from apps.approvals.models import BusinessCalendar, SlaPolicy
from apps.approvals.registry import subject_types
from apps.core.admin import BackOfficeAdmin, staff_actor


@admin.register(SlaPolicy)
class SlaPolicyAdmin(BackOfficeAdmin):
    """How long decisions may take, by what is asked and how urgent it is."""

    view_roles = REVIEWERS
    change_roles = ("operator",)
    list_display = ("about", "priority", "response", "decision", "escalation", "runs", "assignee")
    list_display_links = ("about", "priority")
    list_select_related = ("default_assignee",)
    ordering = ("subject_type", "resolution_hours")
    fieldsets = (
        (None, {"fields": ("subject_type", "priority")}),
        (
            gettext_lazy("Deadlines"),
            {
                "fields": ("response_hours", "resolution_hours", "uses_business_hours"),
                "description": gettext_lazy(
                    "They hold for new requests. Open ones keep the deadlines that they were given."
                ),
            },
        ),
        (
            gettext_lazy("When nobody decides"),
            {"fields": ("escalate_after_hours", "escalate_to", "expires_after_days")},
        ),
        (gettext_lazy("Who"), {"fields": ("default_assignee",)}),
    )

    @admin.display(description=gettext_lazy("subject"), ordering="subject_type")
    def about(self, row: SlaPolicy) -> Any:
        """Show what is asked; an empty type is the fallback of all."""
        if not row.subject_type:
            return gettext("Everything else")
        return dict(subject_types()).get(row.subject_type, row.subject_type)

    @admin.display(description=gettext_lazy("response"), ordering="response_hours")
    def response(self, row: SlaPolicy) -> str:
        """Show the time to a first response."""
        return _hours(row.response_hours)

    @admin.display(description=gettext_lazy("decision"), ordering="resolution_hours")
    def decision(self, row: SlaPolicy) -> str:
        """Show the time to a decision."""
        return _hours(row.resolution_hours)

    @admin.display(description=gettext_lazy("escalation"), ordering="escalate_after_hours")
    def escalation(self, row: SlaPolicy) -> str:
        """Show when it escalates; by default when the decision is late."""
        return _hours(row.escalate_after_hours or row.resolution_hours)

    @admin.display(description=gettext_lazy("hours of"), ordering="uses_business_hours")
    def runs(self, row: SlaPolicy) -> str:
        """Show in which hours the clock runs."""
        return gettext("business") if row.uses_business_hours else gettext("day and night")

    @admin.display(description=gettext_lazy("assignee"), ordering="default_assignee__name")
    def assignee(self, row: SlaPolicy) -> str:
        """Show who gets new requests."""
        return row.default_assignee.get_full_name() if row.default_assignee else "–"

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **options: Any
    ) -> Any:
        """Offer the known subjects, and the people of the queue."""
        if db_field.name == "subject_type":
            return forms.ChoiceField(
                label=gettext_lazy("Subject"), required=False, choices=_subject_choices
            )
        if isinstance(db_field, ForeignKey):
            field = PersonField(
                label=gettext_lazy("Assignee"),
                empty_label=gettext_lazy("nobody"),
                help_text=db_field.help_text,
            )
            field.queryset = selectors.list_assignable_staff()
            return field
        return super().formfield_for_dbfield(db_field, request, **options)

    def save_model(
        self,
        request: HttpRequest,
        obj: SlaPolicy,
        form: Any,
        change: bool,  # noqa: FBT001 -- Django's signature
    ) -> None:
        """Save through the service, so that the change is audited."""
        services.set_sla_policy(policy=obj, actor=staff_actor(request), before=form.initial)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators add policies for a subject type."""
        return self.has_change_permission(request, obj)


def _hours(count: int | None) -> str:
    return "–" if count is None else gettext("%(count)s h") % {"count": count}


def _subject_choices() -> list[tuple[str, Any]]:
    """Every registered subject, and those that stored policies name."""
    known = dict(subject_types())
    stored = SlaPolicy.objects.exclude(subject_type__in=["", *known]).values_list(
        "subject_type", flat=True
    )
    return [
        ("", gettext("Everything else")),
        *known.items(),
        *((name, name) for name in sorted(set(stored))),
    ]


class CalendarForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The working hours as people write them, instead of JSON."""

    weekday_hours = WeekdayHoursField(
        label=gettext_lazy("Opening hours"),
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=gettext_lazy(
            "A line per weekday, for example “mon 09:00-12:00, 13:00-17:00”. A day without a line is closed."
        ),
    )
    holidays = LinesField(
        label=gettext_lazy("Holidays"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=gettext_lazy("A date per line, for example 2026-12-25."),
    )

    class Meta:
        """What an operator sets."""

        model = BusinessCalendar
        fields = ("timezone", "weekday_hours", "holidays")


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(BackOfficeAdmin):
    """The hours that count for deadlines in business hours."""

    view_roles = REVIEWERS
    change_roles = ("operator",)
    form = CalendarForm
    list_display = ("name", "timezone", "open_days", "holiday_count")

    @admin.display(description=gettext_lazy("opening hours"))
    def open_days(self, row: BusinessCalendar) -> str:
        """Show the hours in one line."""
        return " · ".join(hours_by_day(row.weekday_hours))

    @admin.display(description=gettext_lazy("holidays"))
    def holiday_count(self, row: BusinessCalendar) -> int:
        """Show how many days are closed beside."""
        return len(row.holidays)

    def save_model(
        self,
        request: HttpRequest,
        obj: BusinessCalendar,
        form: Any,
        change: bool,  # noqa: FBT001 -- as above
    ) -> None:
        """Save through the service, so that the change is audited."""
        services.set_business_calendar(calendar=obj, actor=staff_actor(request))
