"""The back office's queue and its decisions."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import selectors, services
from apps.approvals.api import inputs
from apps.approvals.api.base import REVIEWERS, ApprovalView, person_named
from apps.approvals.api.filters import QUEUE_PARAMETERS, QueueFilter
from apps.approvals.api.serializers import HistoryOutput, QueueDetailOutput, QueueOutput
from apps.core.api.pagination import CursorPagination, WholeList
from apps.core.api.views import ApiView


class QueuePagination(CursorPagination):
    """Overdue first, then by deadline; with how many there are, because approvers plan their day by it."""

    ordering = ("rank", "due_at", "id")  # type: ignore[assignment]  # DRF takes several
    total = 0

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        """Count all rows that match, then cut one page out."""
        self.total = queryset.count()
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        """Answer the rows with the links to the neighbouring pages and the total."""
        answer = super().get_paginated_response(data)
        answer.data["total"] = self.total
        return answer

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the envelope for the OpenAPI document."""
        envelope = super().get_paginated_response_schema(schema)
        envelope["required"].append("total")
        envelope["properties"]["total"] = {"type": "integer"}
        return envelope


class QueueView(ApiView):
    """All approval requests: overdue first, then by deadline, decided ones last."""

    method_permissions = {"GET": REVIEWERS}
    paginator_class = QueuePagination

    @extend_schema(responses=QueueOutput(many=True), parameters=QUEUE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the queue.

        Filter by `status`, `priority`, `subject_type`, `is_open`, `overdue`, `mine`, `assignee` (an id, `me` or `none`),
        `organization`, `created_from`, `created_until` and words (`q`).
        """
        return self.filtered(request, selectors.list_queue())

    def filtered(self, request: Request, rows: QuerySet[Any]) -> Response:
        """Answer a page of what the filters leave."""
        chosen = QueueFilter(request.query_params, queryset=rows, user_id=self.actor.user_id)
        if not chosen.is_valid():
            raise ValidationError(chosen.errors)
        return self.paginated(chosen.qs, QueueOutput)


class OverdueView(QueueView):
    """Requests whose deadline has passed."""

    @extend_schema(responses=QueueOutput(many=True), parameters=QUEUE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List what is late, the latest first; takes the queue's filters."""
        return self.filtered(request, selectors.list_overdue())


class QueueDetailView(ApprovalView):
    """One request with its subject, comments and history."""

    method_permissions = {"GET": REVIEWERS}

    @extend_schema(responses=QueueDetailOutput)
    def get(self, _request: Request, approval_id: str) -> Response:
        """Show a request."""
        return self.detail(approval_id)


class HistoryView(ApprovalView):
    """What happened to a request."""

    paginator_class = WholeList
    method_permissions = {"GET": REVIEWERS}

    @extend_schema(responses=HistoryOutput(many=True))
    def get(self, _request: Request, approval_id: str) -> Response:
        """List every change, oldest first: when, by whom, from what to what, and why."""
        rows = selectors.list_history(self.load(approval_id), self.actor)
        return self.paginated(rows, HistoryOutput)


class ApproveView(ApprovalView):
    """Approves a request."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.ApproveInput, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Say yes, with a comment and conditions; 409 when it is decided already, 403 for one's own submission."""
        subject = self.load(approval_id)
        given = self.validated(inputs.ApproveInput)
        services.approve_request(request=subject, actor=self.actor, **given)
        return self.detail(approval_id)


class RejectView(ApprovalView):
    """Rejects a request."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.ReasonInput, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Say no, with a comment that the requester reads."""
        subject = self.load(approval_id)
        comment = self.validated(inputs.ReasonInput)["comment"]
        services.reject_request(request=subject, actor=self.actor, comment=comment)
        return self.detail(approval_id)


class InformationRequestView(ApprovalView):
    """Asks the requester for information."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.ReasonInput, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Ask; the deadlines stand still until the answer."""
        subject = self.load(approval_id)
        question = self.validated(inputs.ReasonInput)["comment"]
        services.request_information(request=subject, actor=self.actor, question=question)
        return self.detail(approval_id)


class EscalateView(ApprovalView):
    """Hands a request to somebody with more authority."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.EscalateInput, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Escalate to a role or a person; the request can still be decided."""
        subject = self.load(approval_id)
        given = self.validated(inputs.EscalateInput)
        services.escalate_request(
            request=subject,
            actor=self.actor,
            reason=given["comment"],
            to_role=given.get("to_role", ""),
            assignee=person_named(given.get("assignee"), self.actor.user_id),
        )
        return self.detail(approval_id)


class AssignView(ApprovalView):
    """Gives a request to somebody."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.AssignInput, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Assign it to a person who may decide it, to oneself (`me`), or to nobody (null)."""
        subject = self.load(approval_id)
        given = self.validated(inputs.AssignInput)
        assignee = person_named(given["assignee"], self.actor.user_id)
        services.assign_request(request=subject, assignee=assignee, actor=self.actor)
        return self.detail(approval_id)


class ClaimView(ApprovalView):
    """Takes a request."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=None, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Take what nobody has; 409 when somebody was faster."""
        services.claim_request(request=self.load(approval_id), actor=self.actor)
        return self.detail(approval_id)


class PriorityView(ApprovalView):
    """Makes a request more or less urgent."""

    method_permissions = {"POST": REVIEWERS}

    @extend_schema(request=inputs.PriorityInput, responses=QueueDetailOutput)
    def post(self, _request: Request, approval_id: str) -> Response:
        """Change the priority; the deadlines are counted anew from the request's start."""
        subject = self.load(approval_id)
        given = self.validated(inputs.PriorityInput)
        services.change_priority(request=subject, actor=self.actor, **given)
        return self.detail(approval_id)
