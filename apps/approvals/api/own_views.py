"""Approval requests as the two organizations meet them: who asks, and who decides where the back office does not."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import selectors, services
from apps.approvals.api import inputs
from apps.approvals.api.base import ApprovalView
from apps.approvals.api.serializers import ApprovalDetailOutput, ApprovalOutput
from apps.core.api.views import ApiView


class OwnRequestsView(ApiView):
    """What the caller's organization asked to have approved."""

    method_permissions = {"GET": "organization.read"}

    @extend_schema(responses=ApprovalOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the organization's requests, newest first."""
        return self.paginated(selectors.list_own_requests(self.actor), ApprovalOutput)


class OwnRequestView(ApprovalView):
    """One of the organization's requests."""

    method_permissions = {"GET": "organization.read"}

    @extend_schema(responses=ApprovalDetailOutput)
    def get(self, _request: Request, approval_id: str) -> Response:
        """Show a request with the comments meant for its requester, and what can be done now."""
        return self.detail(approval_id)


class AnswerView(ApprovalView):
    """Answers an approver's question."""

    method_permissions = {"POST": "organization.read"}
    parser_classes = (JSONParser, MultiPartParser)

    @extend_schema(request=inputs.AnswerInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Answer, with up to five files as multipart form data; the request is pending again."""
        subject = self.load(approval_id)
        given = self.validated(inputs.AnswerInput)
        services.provide_information(
            request=subject, actor=self.actor, answer=given["comment"], files=given["files"]
        )
        return self.detail(approval_id)


class WithdrawView(ApprovalView):
    """Withdraws a request."""

    method_permissions = {"POST": "organization.read"}

    @extend_schema(request=None, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Take the request back before it is decided, also while a question waits for its answer."""
        services.cancel_request(request=self.load(approval_id), actor=self.actor)
        return self.detail(approval_id)


class ReceivedRequestsView(ApiView):
    """What the caller's organization decides."""

    method_permissions = {"GET": "organization.read"}

    @extend_schema(responses=ApprovalOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the requests of other organizations that the caller's own decides, newest first."""
        return self.paginated(selectors.list_received_requests(self.actor), ApprovalOutput)


class DecideApproveView(ApprovalView):
    """Approves a request on the deciding organization's side."""

    method_permissions = {"POST": "organization.read"}

    @extend_schema(request=inputs.ApproveInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Say yes, with a comment that the requester reads; 403 on the requester's own side."""
        subject = self.load(approval_id)
        given = self.validated(inputs.ApproveInput)
        services.approve_request(request=subject, actor=self.actor, **given)
        return self.detail(approval_id)


class DecideRejectView(ApprovalView):
    """Rejects a request on the deciding organization's side."""

    method_permissions = {"POST": "organization.read"}

    @extend_schema(request=inputs.ReasonInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Say no, with a comment that the requester reads."""
        subject = self.load(approval_id)
        comment = self.validated(inputs.ReasonInput)["comment"]
        services.reject_request(request=subject, actor=self.actor, comment=comment)
        return self.detail(approval_id)


class DecideAskView(ApprovalView):
    """Asks the requester on the deciding organization's side."""

    method_permissions = {"POST": "organization.read"}

    @extend_schema(request=inputs.ReasonInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Ask; the deadlines stand still until the answer."""
        subject = self.load(approval_id)
        question = self.validated(inputs.ReasonInput)["comment"]
        services.request_information(request=subject, actor=self.actor, question=question)
        return self.detail(approval_id)
