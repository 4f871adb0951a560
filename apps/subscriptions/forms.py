"""Portal input of this app."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.money import Money
from apps.subscriptions.constants import BODY_LENGTH, REASON_LENGTH, STARS, TITLE_LENGTH
from apps.subscriptions.models import Rating, Subscription
from apps.subscriptions.services import Opinion
from apps.subscriptions.spend import current_cap

COMMENT_LENGTH: Final = 5000
AT_PERIOD_END: Final = "period_end"
AT_ONCE: Final = "now"


class CancelForm(forms.Form):
    """When a subscription ends, and why."""

    at = forms.ChoiceField(
        label=_("It ends"),
        choices=[(AT_PERIOD_END, _("when the period ends")), (AT_ONCE, _("at once"))],
        initial=AT_PERIOD_END,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
    feedback = forms.CharField(
        label=_("What would have kept you?"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Only the marketplace’s operator reads it."),
    )


class WithdrawForm(forms.Form):
    """Why somebody does not want to wait for the provider any more."""

    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)


class AcceptForm(forms.Form):
    """What the subscriber reads beside; empty says only that it was accepted."""

    comment = forms.CharField(
        label=_("Message to the subscriber"), max_length=COMMENT_LENGTH, required=False
    )


class QuestionForm(forms.Form):
    """What the provider wants to know before it decides."""

    question = forms.CharField(
        label=_("Question to the subscriber"),
        max_length=COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("You decide after the answer; the deadline stands still until then."),
    )


class AnswerForm(forms.Form):
    """The answer to the provider's question."""

    answer = forms.CharField(
        label=_("Your answer"),
        max_length=COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReasonForm(forms.Form):
    """Why; the other side reads it."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("The subscriber reads it.")
    )


class ReviewForm(forms.Form):
    """What a subscriber thinks of an API. The names of the stars are read out, not only drawn."""

    stars = forms.TypedChoiceField(
        label=_("Stars"),
        coerce=int,
        choices=[
            (STARS[0], _("1 star: unusable")),
            (STARS[1], _("2 stars: poor")),
            (STARS[2], _("3 stars: usable")),
            (STARS[3], _("4 stars: good")),
            (STARS[4], _("5 stars: excellent")),
        ],
        widget=forms.RadioSelect,
    )
    title = forms.CharField(label=_("Title"), max_length=TITLE_LENGTH, required=False)
    body = forms.CharField(
        label=_("Review"),
        max_length=BODY_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Anybody can read it, with the name of your organization."),
    )

    @classmethod
    def of(cls, rating: Rating | None) -> ReviewForm:
        """Return the form with what the organization said before."""
        if rating is None:
            return cls()
        return cls(initial={"stars": rating.stars, "title": rating.title, "body": rating.body})

    def to_opinion(self) -> Opinion:
        """Return what was filled in."""
        return Opinion(**self.cleaned_data)


class ReplyForm(forms.Form):
    """What the provider answers."""

    reply = forms.CharField(
        label=_("Your reply"),
        max_length=BODY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Anybody can read it below the review."),
    )


class ReportForm(forms.Form):
    """Why somebody reports a review."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        help_text=_("The marketplace's moderators read it; the author does not."),
    )


class SpendCapForm(forms.Form):
    """What a period may cost at most, in the plan's currency."""

    amount = forms.DecimalField(max_digits=15, decimal_places=3, min_value=0)

    def __init__(self, data: Any = None, *, subscription: Subscription) -> None:
        """Name the currency, and begin with the cap that counts now."""
        cap = current_cap(subscription)
        super().__init__(data, initial={"amount": cap.amount.amount} if cap else {})
        self.currency = subscription.price_version.currency
        text = _("Amount in %(currency)s")
        self.fields["amount"].label = text % {"currency": self.currency}

    def clean_amount(self) -> Decimal:
        """Refuse parts of the smallest coin."""
        amount: Decimal = self.cleaned_data["amount"]
        if Money.from_decimal(amount, self.currency).amount != amount:
            raise forms.ValidationError(_("Use no more decimals than the currency has."))
        return amount

    def to_money(self) -> Money:
        """Return the cap."""
        return Money.from_decimal(self.cleaned_data["amount"], self.currency)


class TopUpForm(forms.Form):
    """Calls on top of a quota, for this period."""

    calls = forms.IntegerField(label=_("Calls"), min_value=1, max_value=10**12)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        help_text=_("The subscriber reads it, and it is kept in the audit trail."),
    )


class CodeForm(forms.Form):
    """A promotion code; where it is empty there is none."""

    code = forms.CharField(label=_("Promotion code"), max_length=40, required=False)
