"""Asking to have one's account deleted, over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_user
from apps.approvals.api.serializers import ApprovalDetailOutput
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import cancel_request, provide_information
from apps.core.api.permissions import AUTHENTICATED
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.portal.account_deletion import (
    find_deletion_request,
    get_open_deletion_request,
    request_deletion,
)


class DeletionInput(serializers.Serializer[Any]):
    """Why somebody leaves."""

    reason = serializers.CharField(max_length=2000)


class DeletionAnswerInput(serializers.Serializer[Any]):
    """The answer to an approver's question."""

    answer = serializers.CharField(max_length=5000)


class _DeletionView(ApiView):
    """Base: the caller's own request."""

    def shown(self, request: ApprovalRequest) -> Any:
        """Return the request as its person reads it."""
        return ApprovalDetailOutput(request, context={"actor": self.actor}).data


class DeletionRequestView(_DeletionView):
    """The caller's request to have their account deleted."""

    method_permissions: ClassVar = {
        "GET": AUTHENTICATED,
        "POST": AUTHENTICATED,
        "DELETE": AUTHENTICATED,
    }

    @extend_schema(responses=ApprovalDetailOutput)
    def get(self, _request: Request) -> Response:
        """Show where the newest request stands; 404 if the caller never asked."""
        found = find_deletion_request(get_user(self.actor))
        if found is None:
            raise NotFound
        return Response(self.shown(found))

    @extend_schema(request=DeletionInput, responses={201: ApprovalDetailOutput})
    def post(self, request: Request) -> Response:
        """Ask for the deletion; an approver decides.

        409 `deletion_blocked` names organizations that only the caller owns and that have live subscriptions, active APIs,
        unpaid invoices or other members. 409 `approval_already_open` when it was asked for already.
        """
        user, reason = get_user(self.actor), self.validated(DeletionInput)["reason"]
        return self.created(
            request,
            lambda: self.shown(request_deletion(user=user, reason=reason, actor=self.actor)),
        )

    @extend_schema(responses=ApprovalDetailOutput)
    def delete(self, _request: Request) -> Response:
        """Withdraw the request; the account stays as it is."""
        subject = get_open_deletion_request(get_user(self.actor))
        return Response(self.shown(cancel_request(request=subject, actor=self.actor)))


class DeletionAnswerView(_DeletionView):
    """Answers a question about it."""

    method_permissions: ClassVar = {"POST": AUTHENTICATED}

    @extend_schema(request=DeletionAnswerInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request) -> Response:
        """Answer the approver's question; 409 when nothing was asked."""
        subject = get_open_deletion_request(get_user(self.actor))
        answer = self.validated(DeletionAnswerInput)["answer"]
        answered = provide_information(request=subject, actor=self.actor, answer=answer)
        return Response(self.shown(answered))
