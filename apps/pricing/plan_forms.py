"""The plan builder's form of a plan: what it is called, and whom it is for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.models import Api
from apps.pricing.drafts import PlanDraft
from apps.pricing.enums import RefundPolicy, TermEnd, TrialEnd
from apps.pricing.models import (
    DEFAULT_KEY_ROTATION_DAYS,
    MAX_KEY_ROTATION_DAYS,
    MAX_QUANTITY,
    MAX_TERM_PERIODS,
    CatalogueModel,
    Plan,
)


class PlanForm(forms.Form):
    """What a plan is called and whom it is for."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"), max_length=300, required=False, help_text=_("One sentence.")
    )
    trial_days = forms.IntegerField(
        label=_("Trial (days)"), min_value=0, max_value=730, required=False
    )
    trial_requires_card = forms.BooleanField(
        label=_("A saved card is needed before the trial"), required=False
    )
    trial_end = forms.ChoiceField(
        label=_("After the trial"),
        choices=TrialEnd.choices,
        initial=TrialEnd.CONVERT,
        required=False,
    )
    term_periods = forms.IntegerField(
        label=_("Fixed term (billing periods)"),
        min_value=1,
        max_value=MAX_TERM_PERIODS,
        required=False,
        help_text=_("Empty: it goes on until somebody ends it. Holds for new subscribers."),
    )
    term_end = forms.ChoiceField(
        label=_("After the fixed term"),
        choices=TermEnd.choices,
        initial=TermEnd.RENEW,
        required=False,
    )
    term_end_optional = forms.BooleanField(
        label=_("Subscribers may choose what follows the term"), required=False, initial=True
    )
    key_limit = forms.IntegerField(label=_("Active keys"), min_value=1, max_value=1000, initial=5)
    key_rotation_days = forms.IntegerField(
        label=_("Keys are rotated every (days)"),
        min_value=1,
        max_value=MAX_KEY_ROTATION_DAYS,
        initial=DEFAULT_KEY_ROTATION_DAYS,
        required=False,
        help_text=_("Empty: only if a subscriber asks for it. Holds for keys made from now on."),
    )
    key_rotation_optional = forms.BooleanField(
        label=_("Subscribers may switch rotation off"), required=False, initial=True
    )
    key_max_days = forms.IntegerField(
        label=_("A key lives at most (days)"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: as long as its owner wants."),
    )
    max_quantity = forms.IntegerField(
        label=_("Units per subscription, at most"),
        min_value=1,
        max_value=MAX_QUANTITY,
        initial=1,
        required=False,
        help_text=_(
            "Units multiply the fees, the free units and the quota. 1: not sold by quantity."
        ),
    )
    refund_policy = forms.ChoiceField(
        label=_("Given back of fees paid in advance"),
        choices=RefundPolicy.choices,
        initial=RefundPolicy.PRORATED,
        required=False,
        help_text=_("When a subscriber cancels at once."),
    )
    requires_approval = forms.BooleanField(label=_("I decide on each subscription"), required=False)
    is_private = forms.BooleanField(
        label=_("Private"),
        required=False,
        help_text=_("Only your organization, and those that you invite, see it."),
    )

    @classmethod
    def initial_of(cls, plan: Plan) -> dict[str, Any]:
        """Return a plan's fields as the form's beginning."""
        return {name: getattr(plan, name) for name in cls.base_fields if hasattr(plan, name)}

    def to_draft(self, *, position: int = 0) -> PlanDraft:
        """Return what the services take."""
        values = self.cleaned_data
        return PlanDraft(
            name=values["name"],
            description=values["description"],
            trial_days=values["trial_days"] or 0,
            trial_requires_card=values["trial_requires_card"],
            trial_end=TrialEnd(values["trial_end"] or TrialEnd.CONVERT),
            term_periods=values["term_periods"],
            term_end=TermEnd(values["term_end"] or TermEnd.RENEW),
            term_end_optional=values["term_end_optional"],
            key_limit=values["key_limit"],
            key_rotation_days=values["key_rotation_days"],
            key_rotation_optional=values["key_rotation_optional"],
            key_max_days=values["key_max_days"],
            max_quantity=values["max_quantity"] or 1,
            refund_policy=RefundPolicy(values["refund_policy"] or RefundPolicy.PRORATED),
            requires_approval=values["requires_approval"],
            is_private=values["is_private"],
            position=position,
        )


class NewPlanForm(PlanForm):
    """A plan's fields and the API that it is for."""

    api = forms.ModelChoiceField(label=_("API"), queryset=Api.objects.none())
    field_order = ("api", "name")

    def __init__(self, *args: Any, apis: Any, **options: Any) -> None:
        """Offer the organization's own APIs."""
        super().__init__(*args, **options)
        field = self.fields["api"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 -- for the type checker
        field.queryset = apis


class PlanFromModelForm(forms.Form):
    """Which pricing model, for which API, and whether to follow it."""

    api = forms.ModelChoiceField(label=_("API"), queryset=Api.objects.none())
    model = forms.ChoiceField(label=_("Pricing model"))
    name = forms.CharField(
        label=_("Name"), max_length=80, required=False, help_text=_("Empty: the model's.")
    )
    follow = forms.BooleanField(
        label=_("Follow the model"),
        required=False,
        help_text=_(
            "When its price changes, new subscribers get the new one. Those you have keep theirs."
        ),
    )

    def __init__(
        self, *args: Any, apis: Any, models: Iterable[CatalogueModel], **options: Any
    ) -> None:
        """Offer the organization's own APIs and the active models."""
        super().__init__(*args, **options)
        api, model = self.fields["api"], self.fields["model"]
        assert isinstance(api, forms.ModelChoiceField)  # noqa: S101 -- for the type checker
        assert isinstance(model, forms.ChoiceField)  # noqa: S101 -- as above
        api.queryset = apis
        model.choices = [(row.key, row.name) for row in models]


class FollowForm(forms.Form):
    """Which pricing model a plan follows."""

    model = forms.ChoiceField(label=_("Pricing model"), required=False)

    def __init__(
        self,
        *args: Any,
        models: Iterable[CatalogueModel],
        present: CatalogueModel | None,
        **options: Any,
    ) -> None:
        """Offer the active models, and the present one although it may not be active any more."""
        super().__init__(*args, **options)
        self.initial = {"model": present.key if present else "", **self.initial}
        self._models = {row.key: row for row in (*models, *([present] if present else []))}
        field = self.fields["model"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for the type checker
        rows = self._models.items()
        field.choices = [
            ("", _("none: the price is yours")),
            *((key, row.name) for key, row in rows),
        ]

    def clean_model(self) -> CatalogueModel | None:
        """Return the model; None for none."""
        return self._models.get(self.cleaned_data["model"])
