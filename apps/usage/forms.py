"""Filters of the usage pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.clock import Period
from apps.usage.models import NodeRetirement, ShipperState, UsageEvent
from apps.usage.selectors import provided_apis, subscriptions_of
from apps.usage.services import retire_node

STATUS_CLASSES = (
    ("", _("Any")),
    ("2", _("Answered (2xx)")),
    ("3", _("Redirected (3xx)")),
    ("4", _("Refused (4xx)")),
    ("5", _("Failed (5xx)")),
)


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
