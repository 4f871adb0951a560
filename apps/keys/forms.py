"""Portal input of this app."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.keys.constants import MAX_ROTATION_DAYS
from apps.keys.enums import LeakPolicy
from apps.keys.services import KeyLife, KeyTerms
from apps.keys.term_forms import KeyTermsForm
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription


class KeyLifeForm(forms.Form):
    """How often a key is replaced by itself, and whether it is renewed."""

    rotation_days = forms.IntegerField(
        label=_("Replaced by itself every (days)"),
        min_value=0,
        max_value=MAX_ROTATION_DAYS,
        required=False,
    )
    auto_renew = forms.BooleanField(
        label=_("Renew it when it would end"),
        required=False,
        help_text=_(
            "It gets another term as long as its first, while the subscription lets calls pass."
        ),
    )

    def __init__(self, *args: Any, plan: Plan, **options: Any) -> None:
        """Say what the plan does."""
        super().__init__(*args, **options)
        self.fields["rotation_days"].help_text = _help_on_rotation(plan)

    def to_life(self) -> KeyLife:
        """Return what the services take."""
        values = self.cleaned_data
        return KeyLife(rotation_days=values["rotation_days"], auto_renew=values["auto_renew"])


def _help_on_rotation(plan: Plan) -> str:
    if plan.key_rotation_days is None:
        return gettext("Empty or 0: never.")
    days = plan.key_rotation_days
    if plan.key_rotation_optional:
        text = ngettext(
            "Empty: every day, as the plan says. 0: never.",
            "Empty: every %(days)s days, as the plan says. 0: never.",
            days,
        )
    else:
        text = ngettext(
            "Empty: every day, as the plan says.",
            "Empty: every %(days)s days, as the plan says. You may choose fewer.",
            days,
        )
    return text % {"days": days}


class KeyForm(KeyTermsForm, KeyLifeForm):
    """A new key. Everything but the name may stay as it is."""

    field_order = ("name",)
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("Where it will be used, for example “Web shop”."),
    )

    def __init__(self, *args: Any, subscription: Subscription, **options: Any) -> None:
        """Ask what the plan and the API of a subscription allow."""
        super().__init__(*args, subscription=subscription, plan=subscription.plan, **options)

    def to_terms(self) -> KeyTerms:
        """Return what the services take."""
        values: dict[str, Any] = self.cleaned_data
        return KeyTerms(
            name=values["name"],
            rotation_days=values["rotation_days"],
            auto_renew=values["auto_renew"],
            **self.terms(),
        )


class RenameForm(forms.Form):
    """A new name."""

    name = forms.CharField(label=_("Name"), max_length=80)


class RotateForm(forms.Form):
    """How long the old key stays valid beside its successor."""

    grace_hours = forms.TypedChoiceField(
        label=_("The old key stays valid for"),
        coerce=int,
        choices=[
            (0, _("no time: it ends at once")),
            (1, _("1 hour")),
            (24, _("1 day")),
            (168, _("7 days")),
            (720, _("30 days")),
        ],
        initial=24,
    )


class RevokeForm(forms.Form):
    """Why a key ends."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class LeakPolicyForm(forms.Form):
    """What to do with keys that are found in public."""

    on_leak = forms.ChoiceField(
        label=_("A key that is found in public"),
        choices=LeakPolicy.choices,
        widget=forms.RadioSelect,
    )
