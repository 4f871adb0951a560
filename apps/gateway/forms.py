"""Forms of the back office's gateway pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.gateway.models import TenantThrottle
from apps.gateway.selectors import get_tenant
from apps.gateway.services import apply_throttle

MINUTES_OF_DAY = 1440
MOST_MINUTES = 30 * MINUTES_OF_DAY


class ThrottleForm(forms.Form):
    """Holds an organization back from now on, for some minutes."""

    organization = forms.CharField(
        label=_("Organization"), max_length=40, help_text=_("Its id, such as org_…")
    )
    calls_per_second = forms.IntegerField(label=_("Calls per second"), min_value=1, required=False)
    calls_per_minute = forms.IntegerField(label=_("Calls per minute"), min_value=1, required=False)
    minutes = forms.IntegerField(
        label=_("For how many minutes"), min_value=1, max_value=MOST_MINUTES, initial=60
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("The organization's owners read it.")
    )

    def clean_organization(self) -> Organization:
        """Find the organization."""
        try:
            return get_tenant(self.cleaned_data["organization"].strip())
        except NotFound:
            raise forms.ValidationError(_("There is no organization with this id.")) from None

    def save(self, *, actor: Actor) -> TenantThrottle:
        """Apply the throttle.

        Raises:
            RuleViolated, AlreadyThrottled: see `apply_throttle`.
        """
        data: dict[str, Any] = dict(self.cleaned_data)
        ends_at = clock.now() + timedelta(minutes=data.pop("minutes"))
        return apply_throttle(**data, ends_at=ends_at, actor=actor)
