"""Plans that need approval: the provider decides through the approval engine, and asks and answers there, too."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalRequest
from apps.approvals.services import (
    Submission,
    approve_request,
    open_request,
    provide_information,
    reject_request,
    request_information,
)
from apps.core.actors import Actor
from apps.subscriptions.access_requests import find_open_access_request
from apps.subscriptions.constants import ACCESS_SUBJECT
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.changes import require_status


def open_access_request(*, subscription: Subscription, actor: Actor) -> ApprovalRequest:
    """Ask the provider for a decision about a waiting subscription, in the caller's transaction.

    Publishes: ApprovalRequested.
    """
    return open_request(
        submission=Submission(
            subject_type=ACCESS_SUBJECT,
            subject_id=subscription.pk,
            organization=subscription.consumer_organization,
            deciding_organization=subscription.provider_organization,
            title=f"{subscription.api.name} · {subscription.plan.name}",
        ),
        actor=actor,
    )


@transaction.atomic
def accept_subscription(
    *, subscription: Subscription, actor: Actor, comment: str = ""
) -> Subscription:
    """Let a waiting subscription start; the consumer reads the comment, by default that it was accepted.

    Raises:
        Forbidden, OwnSubmission: the actor may not decide it.
        InvalidTransition: it is not waiting any more, or waits for the consumer's answer.

    Publishes: ApprovalDecided, SubscriptionActivated.
    """
    text = comment.strip() or _("Accepted.")
    approve_request(request=_request_of(subscription), actor=actor, comment=text)
    return _as_it_is(subscription)


@transaction.atomic
def decline_subscription(*, subscription: Subscription, actor: Actor, reason: str) -> Subscription:
    """Turn a waiting subscription down, with the reason that its consumer reads.

    Raises:
        CommentRequired: no reason was given.
        Forbidden, OwnSubmission: the actor may not decide it.
        InvalidTransition: it is not waiting any more, or waits for the consumer's answer.

    Publishes: ApprovalDecided, SubscriptionDeclined.
    """
    reject_request(request=_request_of(subscription), actor=actor, comment=reason)
    return _as_it_is(subscription)


@transaction.atomic
def ask_subscriber(*, subscription: Subscription, actor: Actor, question: str) -> Subscription:
    """Ask the consumer something before deciding; the deadlines stand still until the answer.

    Raises:
        CommentRequired: the question is empty.
        Forbidden, OwnSubmission: the actor may not decide it.
        InvalidTransition: it is not waiting any more, or something was asked already.

    Publishes: ApprovalInformationRequested.
    """
    request_information(request=_request_of(subscription), actor=actor, question=question)
    return subscription


@transaction.atomic
def answer_provider(*, subscription: Subscription, actor: Actor, answer: str) -> Subscription:
    """Answer the provider's question.

    Raises:
        CommentRequired: the answer is empty.
        NotFound, Forbidden: not the consumer's side.
        InvalidTransition: nothing was asked.

    Publishes: ApprovalInformationProvided.
    """
    provide_information(request=_request_of(subscription), actor=actor, answer=answer)
    return subscription


def _request_of(subscription: Subscription) -> ApprovalRequest:
    """Return what the provider has to decide; a subscription that waited before there were requests gets one.

    Raises:
        InvalidTransition: the subscription does not wait.
    """
    found = find_open_access_request(subscription)
    if found is not None:
        return found
    fresh = _as_it_is(subscription)
    require_status(fresh, SubscriptionStatus.PENDING_APPROVAL, wanted=SubscriptionStatus.ACTIVE)
    return open_access_request(subscription=fresh, actor=Actor.system("subscriptions.access"))


def _as_it_is(subscription: Subscription) -> Subscription:
    related = ("api", "plan", "consumer_organization", "provider_organization")
    return Subscription.objects.select_related(*related).get(pk=subscription.pk)
