"""What an approver and an operator type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.approvals.business_hours import WEEKDAYS
from apps.approvals.enums import BulkDecision, Priority
from apps.approvals.selectors import list_assignable_staff

MAX_COMMENT_LENGTH = 5000


class LinesField(forms.Field):
    """Several short texts, one per line; a list in Python. What a line may say is for services to judge."""

    widget = forms.Textarea(attrs={"rows": 2})

    def to_python(self, value: Any) -> Any:
        """Return the lines that say something."""
        if isinstance(value, list):
            return value
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        """Write a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value


def hours_by_day(hours: Mapping[str, Sequence[str]]) -> list[str]:
    """Write opening hours as lines, from Monday on; the database keeps no order."""
    days = sorted(hours, key=lambda day: WEEKDAYS.index(day) if day in WEEKDAYS else len(WEEKDAYS))
    return [f"{day} {', '.join(hours[day])}" for day in days]


class WeekdayHoursField(LinesField):
    """Opening hours, a line per weekday such as `mon 09:00-12:00, 13:00-17:00`; a mapping in Python."""

    def to_python(self, value: Any) -> Any:
        """Return ranges by weekday; what is no weekday is refused where the calendar is checked."""
        if isinstance(value, dict):
            return value
        hours: dict[str, list[str]] = {}
        for line in super().to_python(value):
            day, _separator, ranges = line.partition(" ")
            hours.setdefault(day.rstrip(":").lower(), []).extend(
                part.strip() for part in ranges.split(",") if part.strip()
            )
        return hours

    def prepare_value(self, value: Any) -> Any:
        """Write the mapping as lines."""
        if isinstance(value, dict):
            return "\n".join(hours_by_day(value))
        return value


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Somebody who works in the queue."""

    def __init__(self, **options: Any) -> None:
        """Offer the back office's people."""
        super().__init__(queryset=User.objects.none(), required=False, **options)

    def offer_staff(self) -> None:
        """Look the people up; not at import time."""
        self.queryset = list_assignable_staff()

    def label_from_instance(self, obj: Any) -> str:
        """Show names."""
        return str(obj.get_full_name())


class DecisionForm(forms.Form):
    """A comment that the requester reads, and conditions of a yes."""

    comment = forms.CharField(
        label=_("Comment for the requester"),
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed for every decision; the requester reads it."),
    )
    conditions = LinesField(
        label=_("Conditions of an approval"),
        required=False,
        help_text=_("One per line: what the requester has to do beside. Shown, not enforced."),
    )


class CommentForm(forms.Form):
    """Something said about the request."""

    comment = forms.CharField(
        label=_("Comment"),
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Write @name to tell a colleague."),
    )
    is_internal = forms.BooleanField(
        label=_("Internal: only the back office reads it"), required=False, initial=True
    )


class HandlingForm(forms.Form):
    """Who has a request, and how urgent it is."""

    assignee = PersonField(label=_("Assignee"), empty_label=_("nobody"))
    priority = forms.ChoiceField(label=_("Priority"), choices=Priority.choices)

    def __init__(self, *args: Any, **options: Any) -> None:
        """Offer the people."""
        super().__init__(*args, **options)
        self.fields["assignee"].offer_staff()  # type: ignore[attr-defined]  # a PersonField


class BulkForm(forms.Form):
    """The one comment of a bulk decision, or whom it is assigned to."""

    assignee = PersonField(label=_("Assignee"), empty_label=_("me"))
    comment = forms.CharField(
        label=_("Comment"),
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One comment for all of them; the requesters of decided requests read it."),
    )

    def __init__(self, *args: Any, decision: BulkDecision, **options: Any) -> None:
        """Ask only for what the decision takes."""
        super().__init__(*args, **options)
        if decision is BulkDecision.ASSIGN:
            del self.fields["comment"]
            self.fields["assignee"].offer_staff()  # type: ignore[attr-defined]  # a PersonField
        else:
            del self.fields["assignee"]
