"""What is next for an API, in one sentence for its provider: the same on its page and over REST."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.core.formatting import format_day

Text = str | Promise

_SENTENCES: Final[dict[str, Text]] = {
    ApiStatus.DRAFT: _("Complete what is missing, then submit it."),
    ApiStatus.REJECTED: _("Read the reviewer's comment, change the listing and submit it again."),
    ApiStatus.SUBMITTED: _("It is being checked."),
    ApiStatus.PENDING_APPROVAL: _("An approver decides; you will be told by e-mail."),
    ApiStatus.APPROVED: _("It is approved and goes to the gateway next."),
    ApiStatus.REGISTERING: _("Every gateway node is learning it; that takes seconds."),
    ApiStatus.FAILED: _("The gateway could not learn it. Read the reason and try again."),
    ApiStatus.ACTIVE: _("It is live: calls reach your upstream."),
    ApiStatus.DEPRECATED: _("Subscribers may go on; nobody new can subscribe."),
    ApiStatus.SUSPENDED: _("Calls are refused until it is resumed."),
    ApiStatus.RETIRED: _("It is gone; its rows stay for the invoices that name them."),
}
_SUSPENDED_BY_OPERATOR: Final = _(
    "The operator suspended it, and only they can resume it. Calls are refused until then."
)
_ENDS: Final = _(
    "Subscribers may go on until it is retired by itself on %(day)s; nobody new can subscribe."
)


def next_step_of(api: Api, *, by_operator: bool) -> Text:
    """Return the sentence; `by_operator` is whether the operator suspended the API."""
    if by_operator:
        return _SUSPENDED_BY_OPERATOR
    if api.status == ApiStatus.DEPRECATED and api.sunset_at:
        return str(_ENDS) % {"day": format_day(api.sunset_at)}
    return _SENTENCES[api.status]
