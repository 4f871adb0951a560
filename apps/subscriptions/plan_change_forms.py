"""Portal input of a change of plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import DomainError
from apps.pricing.models import Plan
from apps.subscriptions.enums import ChangeTiming
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import ChangeWish

BY_DEFAULT: Final = ""


class PlanChangeForm(forms.Form):
    """Which plan, how much of it, and when."""

    plan = forms.ChoiceField(label=_("Plan"), widget=forms.RadioSelect)
    quantity = forms.IntegerField(
        label=_("Quantity"),
        min_value=1,
        required=False,
        help_text=_("Multiplies the fee, the free units and the quota."),
    )
    timing = forms.ChoiceField(
        label=_("It takes effect"),
        required=False,
        initial=BY_DEFAULT,
        widget=forms.RadioSelect,
        choices=[
            (BY_DEFAULT, _("at once if it costs more, otherwise when the period ends")),
            (ChangeTiming.NOW.value, _("at once")),
            (ChangeTiming.PERIOD_END.value, _("when the period ends")),
        ],
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, subscription: Subscription, plans: Sequence[Plan], **kwargs: Any
    ) -> None:
        """Offer the plans of the API; the quantity only where one of them is sold by it."""
        super().__init__(*args, **kwargs)
        self.subscription = subscription
        self.plans = {plan.public_id: plan for plan in plans}
        self.plans.setdefault(subscription.plan.public_id, subscription.plan)
        choices = self.fields["plan"]
        assert isinstance(choices, forms.ChoiceField)  # noqa: S101 -- as declared above
        choices.choices = [(public_id, plan.name) for public_id, plan in self.plans.items()]
        self.fields["plan"].initial = subscription.plan.public_id
        self.fields["quantity"].initial = subscription.quantity
        if all(plan.max_quantity == 1 for plan in self.plans.values()):
            del self.fields["quantity"]

    def to_wish(self) -> ChangeWish:
        """Return what was filled in. The plan that one has keeps its price unless a newer one is all that is asked for."""
        values = self.cleaned_data
        plan = self.plans[values["plan"]]
        quantity = values.get("quantity")
        is_same = plan.pk == self.subscription.plan_id
        is_by_quantity = is_same and quantity not in {None, self.subscription.quantity}
        return ChangeWish(
            plan=None if is_by_quantity else plan,
            quantity=quantity,
            timing=ChangeTiming(values["timing"]) if values["timing"] else None,
            token=values["token"],
        )

    def as_question(self) -> str:
        """Return the filled-in form as a query, without the token of an old preview."""
        names = ("plan", "quantity", "timing")
        given = {name: self.cleaned_data.get(name) for name in names}
        return urlencode({name: value for name, value in given.items() if value})

    def add_refusal(self, refusal: DomainError) -> None:
        """Show a refusal beside the field that it names."""
        field = refusal.field if refusal.field in self.fields else None
        self.add_error(field, str(refusal.detail))
