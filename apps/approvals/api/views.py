"""The back office's queue, and the requester's side of it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import selectors, services
from apps.approvals.api.filters import QueueFilter
from apps.approvals.api.serializers import (
    ApprovalDetailOutput,
    ApprovalOutput,
    CommentInput,
    CommentOutput,
    DecisionInput,
    ReasonInput,
)
from apps.approvals.models import ApprovalRequest
from apps.core.api.pagination import CursorPagination
from apps.core.api.views import ApiView

REVIEWERS = "staff:approver,operator"


class QueuePagination(CursorPagination):
    """Overdue first, then by deadline."""

    ordering = ("rank", "due_at", "id")  # type: ignore[assignment]  # DRF takes several


class ApprovalView(ApiView):
    """Base of the views of one request."""

    def load(self, approval_id: str) -> ApprovalRequest:
        """Return the request if the caller may see it, else answer 404."""
        return selectors.get_request(self.actor, approval_id)

    def detail(self, request: ApprovalRequest) -> Response:
        """Answer the request as it is now."""
        return Response(ApprovalDetailOutput(request, context={"actor": self.actor}).data)


class QueueView(ApiView):
    """All approval requests: overdue first, then by deadline, decided ones last."""

    method_permissions = {"GET": REVIEWERS}
    paginator_class = QueuePagination

    @extend_schema(responses=ApprovalOutput(many=True), filters=True)
    def get(self, request: Request) -> Response:
        """List the queue; filter by `status`, `priority`, `subject_type`, `is_open`, `overdue`."""
        chosen = QueueFilter(request.query_params, queryset=selectors.list_queue())
        if not chosen.is_valid():
            raise ValidationError(chosen.errors)
        return self.paginated(chosen.qs, ApprovalOutput)


class QueueDetailView(ApprovalView):
    """One request with its subject, comments and history."""

    method_permissions = {"GET": REVIEWERS}

    @extend_schema(responses=ApprovalDetailOutput)
    def get(self, _request: Request, approval_id: str) -> Response:
        """Show a request."""
        return self.detail(self.load(approval_id))


class ApproveView(ApprovalView):
    """Approves a request."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=DecisionInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Say yes; 409 when it is decided already, 403 for one's own submission."""
        subject = self.load(approval_id)
        comment = self.validated(DecisionInput)["comment"]
        services.approve_request(request=subject, actor=self.actor, comment=comment)
        return self.detail(self.load(approval_id))


class RejectView(ApprovalView):
    """Rejects a request."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=ReasonInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Say no, with a comment that the requester reads."""
        subject = self.load(approval_id)
        comment = self.validated(ReasonInput)["comment"]
        services.reject_request(request=subject, actor=self.actor, comment=comment)
        return self.detail(self.load(approval_id))


class InformationRequestView(ApprovalView):
    """Asks the requester for information."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=ReasonInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Ask; the deadline stands still until the answer."""
        subject = self.load(approval_id)
        question = self.validated(ReasonInput)["comment"]
        services.request_information(request=subject, actor=self.actor, question=question)
        return self.detail(self.load(approval_id))


class EscalateView(ApprovalView):
    """Hands a request to operators."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=ReasonInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Escalate; the request can still be decided."""
        subject = self.load(approval_id)
        reason = self.validated(ReasonInput)["comment"]
        services.escalate_request(request=subject, actor=self.actor, reason=reason)
        return self.detail(self.load(approval_id))


class CommentsView(ApprovalView):
    """The conversation about a request, internal comments included."""

    paginator_class = None  # a short list, answered whole
    method_permissions = {"GET": REVIEWERS, "POST": REVIEWERS}

    @extend_schema(responses=CommentOutput(many=True))
    def get(self, _request: Request, approval_id: str) -> Response:
        """List all comments, oldest first."""
        rows = selectors.list_comments(self.load(approval_id), self.actor)
        return Response(CommentOutput(rows, many=True).data)

    @extend_schema(request=CommentInput, responses={201: CommentOutput})
    def post(self, request: Request, approval_id: str) -> Response:
        """Comment; `is_internal` keeps it in the back office."""
        subject = self.load(approval_id)
        given = self.validated(CommentInput)
        return self.created(
            request,
            lambda: (
                CommentOutput(
                    services.add_comment(
                        request=subject,
                        actor=self.actor,
                        body=given["comment"],
                        is_internal=given["is_internal"],
                    )
                ).data
            ),
        )


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
        """Show a request with the comments meant for its requester."""
        return self.detail(self.load(approval_id))


class AnswerView(ApprovalView):
    """Answers an approver's question."""

    method_permissions = {"POST": "organization.read"}

    @extend_schema(request=ReasonInput, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Answer; the request is pending again."""
        subject = self.load(approval_id)
        answer = self.validated(ReasonInput)["comment"]
        services.provide_information(request=subject, actor=self.actor, answer=answer)
        return self.detail(self.load(approval_id))


class WithdrawView(ApprovalView):
    """Withdraws a request."""

    method_permissions = {"POST": "organization.read"}

    @extend_schema(request=None, responses=ApprovalDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Take the request back before it is decided."""
        services.cancel_request(request=self.load(approval_id), actor=self.actor)
        return self.detail(self.load(approval_id))
