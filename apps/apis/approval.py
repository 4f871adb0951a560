"""How the approval engine handles the submission of an API, and the change of a live one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from apps.apis import selectors, services
from apps.apis.constants import APPROVAL_SUBJECT, MANAGE, UPDATE_SUBJECT
from apps.apis.differences import describe_changes, describe_update, document_changes_of
from apps.apis.models import Api, ApiUpdate
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


class ApiUpdateHandler:
    """A change of a live API. Approved: it is in force at once. Else: the API stays as it is."""

    subject_type = UPDATE_SUBJECT
    label: str | Promise = gettext_lazy("API update")
    permission = MANAGE
    review_template = "apis/_review_update.html"

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Put the change in force."""
        services.approve_update(
            update=_update(request), actor=actor, comment=request.decision_comment
        )

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """Drop the change."""
        services.reject_update(update=_update(request), actor=actor, reason=comment)

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Drop the change."""
        reason = gettext("The change was withdrawn.")
        services.drop_update(update=_update(request), actor=actor, reason=reason)

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Nothing beyond the engine's own rules."""
        return True

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the API as it is, and what would change."""
        update = _update(request)
        return {
            "api": update.api,
            "update": update,
            "rows": describe_update(update),
            "document_changes": describe_changes(document_changes_of(update)),
            "check": selectors.find_latest_check(update.api),
        }

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the change in short."""
        update = _update(request)
        return {
            "id": update.public_id,
            "api": update.api.public_id,
            "name": update.api.name,
            "slug": update.api.slug,
            "status": update.status,
            "changes": update.changes,
            "is_breaking": any(row["is_breaking"] for row in document_changes_of(update)),
        }

    def subject_path(self, request: ApprovalRequest) -> str:
        """Return the provider's page of the API."""
        return reverse(EDITOR_ROUTE, args=[_update(request).api.public_id])


def _update(request: ApprovalRequest) -> ApiUpdate:
    rows = ApiUpdate.objects.select_related("api__category", "api__organization")
    return rows.get(pk=request.subject_id)


def _subject(request: ApprovalRequest) -> Api:
    return Api.objects.select_related("category", "organization").get(pk=request.subject_id)
