"""Forms of the usage pages: filters, and what is exported."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.usage.chosen_period import CUSTOM
from apps.usage.enums import ExportFormat, ExportSide, ExportSubject
from apps.usage.models import LogReplay, NodeRetirement, ShipperState, UsageEvent
from apps.usage.selectors import get_shipper, provided_apis, subscriptions_of
from apps.usage.services import ExportWish, request_replay, retire_node
from apps.usage.spans import SPANS

STATUS_CLASSES = (
    ("", _("Any")),
    ("2", _("Answered (2xx)")),
    ("3", _("Redirected (3xx)")),
    ("4", _("Refused (4xx)")),
    ("5", _("Failed (5xx)")),
)


STEPS = (("day", _("Per day")), ("hour", _("Per hour")))


def period_choices() -> list[tuple[str, Any]]:
    """Return the spans of the usage pages, and own days."""
    return [*((span.key, span.label) for span in SPANS), (CUSTOM, _("Own days"))]


class CallFilter(forms.Form):
    """Which calls to show. Fields that make no sense are ignored: a filter is part of a link."""

    q = forms.CharField(label=_("Path contains"), max_length=100, required=False)
    source = forms.ChoiceField(label=_("Subscription"), required=False)
    status = forms.ChoiceField(label=_("Status"), choices=STATUS_CLASSES, required=False)

    def __init__(self, data: Any, *, actor: Actor, is_provider: bool) -> None:
        """Offer the actor's own subscriptions, or as a provider its own APIs."""
        super().__init__(data)
        self.column = "api_id" if is_provider else "subscription_id"
        field = self.fields["source"]
        if is_provider:
            field.label = _("API")
            own = [(api.public_id, api.name, api.pk) for api in provided_apis(actor)]
        else:
            own = [(row.public_id, str(row), row.pk) for row in subscriptions_of(actor)]
        self.keys = {public_id: pk for public_id, _label, pk in own}
        field.choices = [("", _("Any")), *((key, label) for key, label, _pk in own)]  # type: ignore[attr-defined]  # a ChoiceField

    def narrow(self, rows: Any, period: Period) -> Any:
        """Keep the calls of a period that match; always by columns that an index serves."""
        self.is_valid()
        chosen = self.keys.get(self.cleaned_data.get("source", ""))
        keys = [chosen] if chosen else list(self.keys.values())
        found = rows.filter(
            occurred_at__gte=period.start,
            occurred_at__lt=period.end,
            **{f"{self.column}__in": keys},
        )
        status = self.cleaned_data.get("status")
        if status:
            found = found.filter(status__gte=int(status) * 100, status__lt=int(status) * 100 + 100)
        words = self.cleaned_data.get("q")
        return found.filter(path__contains=words) if words else found


def cursor_of(call: UsageEvent) -> str:
    """Return where the page after this call begins."""
    return f"{call.occurred_at.isoformat()}/{call.event_id}"


class RetireNodeForm(forms.Form):
    """Why a gateway node will not come back."""

    reason = forms.CharField(label=_("Reason"), max_length=500)

    def save(self, *, node: ShipperState, actor: Actor) -> NodeRetirement:
        """Retire the node.

        Raises:
            NodeStillReports, NodeRetired: see `retire_node`.
        """
        return retire_node(node=node, reason=self.cleaned_data["reason"], actor=actor)


class ExportForm(forms.Form):
    """What to write into a file. Members without APIs are not asked whose calls they mean."""

    side = forms.ChoiceField(label=_("Whose calls"))
    subject = forms.ChoiceField(label=_("Content"), choices=ExportSubject.choices)
    file_format = forms.ChoiceField(label=_("Format"), choices=ExportFormat.choices)
    period = forms.ChoiceField(label=_("Period"), choices=period_choices)
    first_day = forms.DateField(
        label=_("First day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "input"}),
    )
    last_day = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "input"}),
    )
    step = forms.ChoiceField(label=_("Steps over time"), choices=STEPS, required=False)
    source = forms.ChoiceField(label=_("Only"), required=False)
    status = forms.ChoiceField(label=_("Status of calls"), choices=STATUS_CLASSES, required=False)
    q = forms.CharField(label=_("Path of calls contains"), max_length=100, required=False)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        """Offer what is the actor's own."""
        super().__init__(*args, **kwargs)
        # As REST and the refusals call them; `from` is no name in Python.
        renamed = {"first_day": "from", "last_day": "to", "file_format": "format"}
        self.fields = {renamed.get(name, name): field for name, field in self.fields.items()}
        own = [(row.public_id, str(row)) for row in subscriptions_of(actor)]
        apis = [(api.public_id, api.name) for api in provided_apis(actor)]
        self.sides = dict.fromkeys((key for key, _name in own), ExportSide.CONSUMER)
        self.sides |= dict.fromkeys((key for key, _name in apis), ExportSide.PROVIDER)
        groups = [(_("Your subscriptions"), own), (_("Your APIs"), apis)]
        source, side = self.fields["source"], self.fields["side"]
        source.choices = [("", _("All")), *(group for group in groups if group[1])]  # type: ignore[attr-defined]  # a ChoiceField
        sides = [choice for choice in ExportSide.choices if choice[0] != ExportSide.OPERATOR]
        side.choices = sides if apis else sides[:1]  # type: ignore[attr-defined]  # as above
        if not apis:
            side.widget = forms.HiddenInput()
            self.initial.setdefault("side", ExportSide.CONSUMER)

    def clean(self) -> dict[str, Any]:
        """A subscription narrows one's own calls, an API those of one's APIs."""
        data = super().clean() or {}
        source, side = data.get("source"), data.get("side")
        if source and side and self.sides[source] != side:
            self.add_error("source", _("This belongs to the other side: see “Whose calls”."))
        return data

    def wish(self) -> ExportWish:
        """Return what the form asks for."""
        data = self.cleaned_data
        name = "subscription_id" if data["side"] == ExportSide.CONSUMER else "api_id"
        is_calls = data["subject"] == ExportSubject.CALLS
        return ExportWish(
            side=data["side"],
            subject=data["subject"],
            file_format=data["format"],
            period=data["period"],
            first_day=_day(data["from"]),
            last_day=_day(data["to"]),
            by_day=data["step"] != "hour",
            filters={
                name: data["source"],
                "status": data["status"] if is_calls else "",
                "path": data["q"] if is_calls else "",
            },
        )


class OperatorExportForm(ExportForm):
    """What operators write into a file: everybody's calls, with every field, by days of UTC."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ask neither for a side nor for what is one's own."""
        super().__init__(*args, actor=Actor.anonymous(), **kwargs)
        del self.fields["side"], self.fields["source"]

    def clean(self) -> dict[str, Any]:
        """Say whose calls they are."""
        return {**super().clean(), "side": ExportSide.OPERATOR, "source": ""}


def _day(day: Any) -> str:
    return day.isoformat() if day else ""


class ReplayForm(forms.Form):
    """Which node is asked for the calls of which span of real time."""

    node = forms.CharField(label=_("Node"), max_length=80)
    hours = forms.IntegerField(
        label=_("Calls of the last hours"), min_value=1, max_value=24 * 35, initial=24
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    def clean_node(self) -> ShipperState:
        """Find the node."""
        try:
            return get_shipper(self.cleaned_data["node"].strip())
        except NotFound:
            raise forms.ValidationError(_("No shipper of this name has reported.")) from None

    def save(self, *, actor: Actor) -> LogReplay:
        """Ask the node.

        Raises:
            NodeRetired, ReplayWaiting: see `request_replay`.
        """
        until = clock.now()
        return request_replay(
            node=self.cleaned_data["node"],
            since=until - timedelta(hours=self.cleaned_data["hours"]),
            until=until,
            actor=actor,
            reason=self.cleaned_data["reason"],
        )
