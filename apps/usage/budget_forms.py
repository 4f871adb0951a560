"""The form of a budget."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import Role
from apps.accounts.models import Organization
from apps.core.actors import Actor
from apps.core.money import Money
from apps.pricing.models import CALLS_METER
from apps.usage.budget_series import subscribed_apis
from apps.usage.budget_standings import bound_of
from apps.usage.enums import BudgetPeriod
from apps.usage.models import Budget
from apps.usage.models.budgets import (
    default_projected_thresholds,
    default_roles,
    default_thresholds,
)
from apps.usage.selectors import subscriptions_of
from apps.usage.selectors.budgets import known_currencies, known_meters
from apps.usage.services.budgeting import BudgetDraft

MONEY: Final = "money"
QUANTITY: Final = "quantity"


class PercentList(forms.CharField):
    """Whole percentages with commas between them."""

    def clean(self, value: Any) -> Any:
        """Return the numbers."""
        text = super().clean(value)
        parts = [part for part in re.split(r"[\s,;]+", text) if part]
        if not all(part.isdecimal() and len(part) < 6 for part in parts):
            raise forms.ValidationError(_("Write whole numbers with commas between them."))
        return [int(part) for part in parts]


class BudgetForm(forms.Form):
    """What to stay within, over which time, and whom to tell."""

    name = forms.CharField(label=_("Name"), max_length=80)
    scope = forms.ChoiceField(label=_("It covers"), required=False)
    measure = forms.ChoiceField(label=_("Measured in"))
    bound = forms.DecimalField(
        label=_("Budget"), min_value=0, max_digits=18, decimal_places=3, localize=False
    )
    period = forms.ChoiceField(
        label=_("Period"),
        choices=BudgetPeriod.choices,
        help_text=_("A billing period belongs to one subscription."),
    )
    thresholds = PercentList(
        label=_("Tell at (percent used)"), required=False, help_text=_("For example 50, 80, 100.")
    )
    projected_thresholds = PercentList(
        label=_("Tell at (percent expected)"),
        required=False,
        help_text=_("At the pace of the last week; empty for never."),
    )
    roles = forms.MultipleChoiceField(
        label=_("Who is told"), choices=Role.choices, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        data: Any = None,
        *,
        actor: Actor,
        organization: Organization,
        budget: Budget | None = None,
    ) -> None:
        """Offer what the organization subscribed to; begin with the budget, or with the defaults."""
        super().__init__(data, initial=_initial(budget, organization))
        self.subscriptions = {row.public_id: row for row in subscriptions_of(actor)}
        self.apis = {api.public_id: api for api in subscribed_apis(actor)}
        currencies = sorted({*known_currencies(actor), organization.currency})
        others = [meter for meter in known_meters(actor) if meter != CALLS_METER]
        choices = {
            "scope": [
                ("", _("Everything")),
                (_("One API"), [(key, api.name) for key, api in self.apis.items()]),
                (
                    _("One subscription"),
                    [(key, str(row)) for key, row in self.subscriptions.items()],
                ),
            ],
            "measure": [
                *((f"{MONEY}:{code}", code) for code in currencies),
                (f"{QUANTITY}:{CALLS_METER}", _("calls")),
                *((f"{QUANTITY}:{meter}", meter) for meter in others),
            ],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]  # ChoiceFields

    def clean(self) -> dict[str, Any]:
        """Refuse parts of the smallest coin."""
        values = super().clean() or {}
        kind, _colon, unit = values.get("measure", "").partition(":")
        bound = values.get("bound")
        if bound is None or kind != MONEY:
            return values
        if Money.from_decimal(bound, unit).amount != bound:
            self.add_error("bound", _("Use no more decimals than the currency has."))
        return values

    def to_draft(self) -> BudgetDraft:
        """Return what was filled in."""
        values = self.cleaned_data
        kind, _colon, unit = values["measure"].partition(":")
        bound: Decimal = values["bound"]
        return BudgetDraft(
            name=values["name"],
            amount=Money.from_decimal(bound, unit) if kind == MONEY else None,
            quantity=bound if kind == QUANTITY else None,
            meter=unit if kind == QUANTITY else CALLS_METER,
            subscription=self.subscriptions.get(values["scope"]),
            api=self.apis.get(values["scope"]),
            period=values["period"],
            thresholds=values["thresholds"],
            projected_thresholds=values["projected_thresholds"],
            roles=values["roles"],
        )

    FIELD_OF: Final = {
        "amount": "bound",
        "quantity": "bound",
        "subscription_id": "scope",
        "api_id": "scope",
    }


def _initial(budget: Budget | None, organization: Organization) -> dict[str, Any]:
    if budget is None:
        return {
            "measure": f"{MONEY}:{organization.currency}",
            "period": BudgetPeriod.CALENDAR_MONTH,
            "thresholds": _percents(default_thresholds()),
            "projected_thresholds": _percents(default_projected_thresholds()),
            "roles": default_roles(),
        }
    scope = budget.subscription or budget.api
    bound = bound_of(budget)
    return {
        "name": budget.name,
        "scope": scope.public_id if scope else "",
        "measure": f"{MONEY}:{budget.currency}"
        if budget.currency
        else f"{QUANTITY}:{budget.meter}",
        "bound": bound if budget.currency else f"{bound.normalize():f}",
        "period": budget.period,
        "thresholds": _percents(budget.thresholds),
        "projected_thresholds": _percents(budget.projected_thresholds),
        "roles": budget.roles,
    }


def _percents(values: list[int]) -> str:
    return ", ".join(str(value) for value in values)
