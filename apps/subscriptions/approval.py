"""How the approval engine handles a subscription that its provider decides on."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from apps.approvals.enums import ApprovalStatus
from apps.approvals.models import ApprovalRequest
from apps.core.actors import Actor
from apps.subscriptions import services
from apps.subscriptions.constants import ACCESS_SUBJECT
from apps.subscriptions.models import Subscription


class SubscriptionAccessHandler:
    """Approved: the subscription starts. Rejected, withdrawn or expired: it ends before it began."""

    subject_type = ACCESS_SUBJECT
    label: str | Promise = gettext_lazy("Subscription")
    permission = "subscriptions.manage"
    decide_permission = "plans.manage"
    review_template = "subscriptions/_review_access.html"

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Let it start."""
        services.start_accepted_subscription(subscription=_subject(request), actor=actor)

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """End it with the provider's reason."""
        services.end_declined_subscription(
            subscription=_subject(request), actor=actor, reason=comment
        )

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """End it: the consumer does not want it any more, or nobody decided in time."""
        if request.status == ApprovalStatus.EXPIRED:
            reason = gettext("The provider did not decide in time.")
        else:
            reason = gettext("The request was withdrawn.")
        services.cancel_subscription(subscription=_subject(request), actor=actor, reason=reason)

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Nothing beyond the engine's own rules."""
        return True

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return who wants to call what on which plan."""
        return {"subscription": _subject(request)}

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the subscription in short, as both sides may read it."""
        subscription = _subject(request)
        return {
            "id": subscription.public_id,
            "status": subscription.status,
            "api": subscription.api.public_id,
            "api_slug": subscription.api.slug,
            "plan": subscription.plan.public_id,
            "plan_name": subscription.plan.name,
            "subscriber": subscription.consumer_organization.name,
        }

    def subject_path(self, request: ApprovalRequest) -> str:
        """Return the consumer's page of the subscription."""
        return reverse("portal:subscription", args=[_subject(request).public_id])

    def decision_path(self, request: ApprovalRequest) -> str:
        """Return the provider's page of the subscriber."""
        return reverse("portal:provider_subscriber", args=[_subject(request).public_id])


def _subject(request: ApprovalRequest) -> Subscription:
    related = ("api", "plan", "consumer_organization", "provider_organization")
    return Subscription.objects.select_related(*related).get(pk=request.subject_id)
