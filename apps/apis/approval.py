"""How the approval engine handles the submission of an API."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from apps.apis import selectors, services
from apps.apis.constants import APPROVAL_SUBJECT, MANAGE
from apps.apis.models import Api
from apps.approvals.models import ApprovalRequest
from apps.core.actors import Actor

EDITOR_ROUTE = "portal:provider_api"


class ApiApprovalHandler:
    """Approved: the API is registered at the gateway. Rejected: its provider revises it."""

    subject_type = APPROVAL_SUBJECT
    label: str | Promise = gettext_lazy("API submission")
    permission = MANAGE
    review_template = "apis/_review.html"

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Let the API go live."""
        services.approve_api(api=_subject(request), actor=actor, comment=request.decision_comment)

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """Hand the API back."""
        services.reject_api(api=_subject(request), actor=actor, reason=comment)

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Make the API a draft again."""
        reason = gettext("The submission was withdrawn.")
        services.withdraw_api(api=_subject(request), actor=actor, reason=reason)

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Nothing beyond the engine's own rules."""
        return True

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the listing as consumers will see it, with its upstream and endpoints."""
        api = _subject(request)
        return {
            "api": api,
            "version": selectors.find_current_version(api),
            "endpoints": list(selectors.list_endpoints(api)),
            "check": selectors.find_latest_check(api),
        }

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the listing in short."""
        api = _subject(request)
        check = selectors.find_latest_check(api)
        return {
            "id": api.public_id,
            "name": api.name,
            "slug": api.slug,
            "status": api.status,
            "category": api.category.slug,
            "short_description": api.short_description,
            "upstream_url": api.upstream_url,
            "upstream_is_healthy": check.is_healthy if check else None,
            "endpoints": selectors.list_endpoints(api).count(),
        }

    def subject_path(self, request: ApprovalRequest) -> str:
        """Return the provider's page of the API."""
        return reverse(EDITOR_ROUTE, args=[_subject(request).public_id])


def _subject(request: ApprovalRequest) -> Api:
    return Api.objects.select_related("category", "organization").get(pk=request.subject_id)
