"""Reads that join several domains, for the console's start page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.apis.constants import APPROVAL_SUBJECT
from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.apis.selectors import list_own_apis
from apps.approvals.enums import ApprovalStatus
from apps.approvals.models import ApprovalRequest
from apps.core.actors import Actor
from apps.notifications.models import Notification
from apps.notifications.selectors import own_inbox
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import list_subscriptions

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for the visitor, and where to do it."""

    text: str
    url: str
    tone: str


@dataclass(frozen=True, slots=True)
class ConsoleOverview:
    """What the start page shows."""

    tasks: list[Task]
    subscriptions: list[Subscription]
    apis: list[Api]
    notifications: list[Notification]


def console_overview(actor: Actor) -> ConsoleOverview:
    """Return what the start page shows to an actor; each list holds at most five, the newest."""
    apis = list(list_own_apis(actor))
    return ConsoleOverview(
        tasks=api_tasks(actor, apis),
        subscriptions=list(list_subscriptions(actor)[:SHOWN]),
        apis=apis[:SHOWN],
        notifications=list(own_inbox(actor)[:SHOWN]),
    )


def api_tasks(actor: Actor, apis: list[Api]) -> list[Task]:
    """Return what each API waits for its provider to do, if anything. One query."""
    asked = set(
        ApprovalRequest.objects.visible_to(actor)
        .filter(
            subject_id__in=[api.pk for api in apis],
            subject_type=APPROVAL_SUBJECT,
            status=ApprovalStatus.INFO_REQUESTED,
        )
        .values_list("subject_id", flat=True)
    )
    return [task for api in apis if (task := _task_of(api, is_asked=api.pk in asked))]


def _task_of(api: Api, *, is_asked: bool) -> Task | None:
    name = {"name": api.name}
    url = reverse("portal:provider_api", args=[api.public_id])
    if is_asked:
        return Task(_("The reviewer of %(name)s has a question.") % name, url, "warn")
    match api.status:
        case ApiStatus.REJECTED:
            return Task(
                _("%(name)s was not approved; revise it and submit it again.") % name, url, "bad"
            )
        case ApiStatus.FAILED:
            return Task(_("%(name)s could not be registered; try again.") % name, url, "bad")
        case ApiStatus.SUSPENDED:
            return Task(_("%(name)s is suspended; its calls are refused.") % name, url, "warn")
        case ApiStatus.DRAFT:
            return Task(_("%(name)s is a draft; complete it and submit it.") % name, url, "info")
        case _:
            return None
