"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, RuleViolated


class WebhookLimitReached(Conflict):
    """The organization has as many webhook endpoints as it may have; `limit` says how many."""

    code = "webhook_limit_reached"
    title = _("There are as many webhook endpoints as an organization may have.")


class UnknownEventType(RuleViolated):
    """An event type does not exist; `unknown` names those that do not."""

    code = "unknown_event_type"
    title = _("There is no such event type.")


class EndpointDisabled(Conflict):
    """A disabled endpoint gets no messages; enable it first."""

    code = "webhook_endpoint_disabled"
    title = _("The endpoint is disabled. Enable it first.")


class DeliveryUnderWay(Conflict):
    """The message is being delivered anyway."""

    code = "webhook_delivery_under_way"
    title = _("This message is being delivered already.")
