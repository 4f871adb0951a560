"""What an approver types."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

MAX_COMMENT_LENGTH = 5000


class DecisionForm(forms.Form):
    """A comment for the requester; each button says what it is needed for."""

    comment = forms.CharField(
        label=_("Comment for the requester"),
        max_length=MAX_COMMENT_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed to reject, to ask, and to escalate."),
    )


class CommentForm(forms.Form):
    """Something said about the request."""

    comment = forms.CharField(
        label=_("Comment"), max_length=MAX_COMMENT_LENGTH, widget=forms.Textarea(attrs={"rows": 3})
    )
    is_internal = forms.BooleanField(
        label=_("Internal: only the back office reads it"), required=False, initial=True
    )
