"""What a rewind is about, and how people name it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.apis.models import Api
from apps.core.clock import Period
from apps.core.exceptions import InvalidInput
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.models import Meter


@dataclass(frozen=True, slots=True)
class RewindScope:
    """What is computed anew. Without an API and a subscription: everything; without a meter: all of them.

    The period is business time; a rewind covers the whole local days of it.
    """

    period: Period
    api: Api | None = None
    subscription: Subscription | None = None
    meter: str = ""


def find_scope(
    *,
    start: datetime,
    end: datetime,
    api_id: str = "",
    subscription_id: str = "",
    meter: str = "",
) -> RewindScope:
    """Return the scope that public ids name.

    Raises:
        InvalidInput: the range is empty, or nothing has that id or key; it names the field.
    """
    if end <= start:
        raise InvalidInput(_("The end must come after the start."), field="until")
    api = _find_api(api_id) if api_id else None
    subscription = _find_subscription(subscription_id) if subscription_id else None
    if api is not None and subscription is not None and subscription.api_id != api.pk:
        raise InvalidInput(_("The subscription is to another API."), field="subscription_id")
    if meter and meter != CALLS_METER:
        known = Meter.objects.filter(key=meter)
        if api is not None:
            known = known.filter(api=api)
        if subscription is not None:
            known = known.filter(api_id=subscription.api_id)
        if not known.exists():
            raise InvalidInput(_("There is no meter with this key."), field="meter")
    return RewindScope(Period(start, end), api, subscription, meter)


def _find_api(public_id: str) -> Api:
    try:
        row = Api.objects.filter(pk=parse_public_id(Api.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        row = None
    if row is None:
        raise InvalidInput(_("There is no API with this id."), field="api_id")
    return row


def _find_subscription(public_id: str) -> Subscription:
    try:
        pk = parse_public_id(Subscription.id_prefix, public_id)
    except InvalidPublicIdError:
        pk = None
    row = Subscription.objects.filter(pk=pk).first() if pk else None
    if row is None:
        raise InvalidInput(_("There is no subscription with this id."), field="subscription_id")
    return row
