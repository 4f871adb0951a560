"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict


class AlreadySubscribed(Conflict):
    """The workspace has a subscription to this API that has not ended; `subscription_id` names it."""

    code = "already_subscribed"
    title = _("This workspace is subscribed to the API already")


class PlanNotOffered(Conflict):
    """The plan takes no new subscribers."""

    code = "plan_not_offered"
    title = _("This plan takes no new subscribers")


class ApiNotAvailable(Conflict):
    """The API takes no new subscribers: it is not active."""

    code = "api_not_available"
    title = _("This API takes no new subscribers")


class NothingToWithdraw(Conflict):
    """There is no scheduled cancellation."""

    code = "no_cancellation_scheduled"
    title = _("No cancellation is scheduled")


class CancellationAlreadyScheduled(Conflict):
    """The subscription ends at the end of its period already."""

    code = "cancellation_scheduled"
    title = _("The cancellation is scheduled already")
