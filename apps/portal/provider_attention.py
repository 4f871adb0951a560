"""What waits for a provider: reviews, subscribers, upstreams that are down, APIs that stand still."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.apis.enums import CircuitState
from apps.apis.models import Api
from apps.core.actors import Actor
from apps.portal.dashboards import Task, api_tasks
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.selectors import list_received_reviews, list_subscribers


def provider_attention(actor: Actor, apis: list[Api]) -> list[Task]:
    """Return what waits, the worst first. `apis` carry their `upstream_health`. Three queries."""
    order = {"bad": 0, "warn": 1, "info": 2}
    tasks = [*_upstreams(apis), *api_tasks(actor, apis), *_subscribers(actor), *_reviews(actor)]
    return sorted(tasks, key=lambda task: order[task.tone])


def _upstreams(apis: list[Api]) -> Iterator[Task]:
    for api in apis:
        health = getattr(api, "upstream_health", None)
        if health is not None and health.circuit == CircuitState.OPEN:
            yield Task(
                _("The upstream of %(name)s does not answer; callers are answered 503.")
                % {"name": api.name},
                reverse("portal:provider_api_health", args=[api.public_id]),
                "bad",
            )


def _subscribers(actor: Actor) -> Iterator[Task]:
    waiting = list_subscribers(actor).filter(
        status=SubscriptionStatus.PENDING_APPROVAL,
        provider_organization_id=actor.organization_id,
    )
    if count := waiting.count():
        text = ngettext(
            "%(count)s subscription waits for your decision.",
            "%(count)s subscriptions wait for your decision.",
            count,
        )
        yield Task(text % {"count": count}, reverse("portal:provider_subscribers"), "warn")


def _reviews(actor: Actor) -> Iterator[Task]:
    if count := list_received_reviews(actor).filter(replied_at__isnull=True).count():
        text = ngettext("%(count)s review has no reply.", "%(count)s reviews have no reply.", count)
        url = f"{reverse('portal:provider_reviews')}?show=unanswered"
        yield Task(text % {"count": count}, url, "info")
