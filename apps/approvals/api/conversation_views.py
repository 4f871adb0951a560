"""Comments and their files, on both sides."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from apps.approvals import selectors, services
from apps.approvals.api import inputs
from apps.approvals.api.base import REVIEWERS, ApprovalView
from apps.approvals.api.serializers import CommentOutput
from apps.approvals.downloads import attachment_response
from apps.core.api.pagination import WholeList
from apps.core.api.permissions import MethodPermissions


class _CommentsView(ApprovalView):
    """Base: a conversation."""

    paginator_class = WholeList
    parser_classes = (JSONParser, MultiPartParser)
    input_class: ClassVar[type[Serializer[Any]]]

    def conversation(self, approval_id: str) -> Response:
        """Answer what the caller may read, oldest first."""
        rows = selectors.list_comments(self.load(approval_id), self.actor)
        return self.paginated(rows, CommentOutput)

    def comment(self, request: Request, approval_id: str) -> Response:
        """Add what was sent."""
        subject = self.load(approval_id)
        given = self.validated(self.input_class)

        def make() -> Any:
            comment = services.add_comment(
                request=subject,
                actor=self.actor,
                body=given["comment"],
                is_internal=given.get("is_internal", False),
                files=given["files"],
            )
            return CommentOutput(comment).data

        return self.created_with_files(request, given, make)


class CommentsView(_CommentsView):
    """The conversation about a request, internal comments included."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": REVIEWERS, "POST": REVIEWERS}
    input_class = inputs.CommentInput

    @extend_schema(responses=CommentOutput(many=True))
    def get(self, _request: Request, approval_id: str) -> Response:
        """List all comments, oldest first."""
        return self.conversation(approval_id)

    @extend_schema(request=inputs.CommentInput, responses={201: CommentOutput})
    def post(self, request: Request, approval_id: str) -> Response:
        """Comment, with up to five files as multipart form data; `is_internal` keeps it in the back office.

        `@name` tells a colleague.
        """
        return self.comment(request, approval_id)


class OwnCommentsView(_CommentsView):
    """The conversation as the requester's side reads it."""

    method_permissions: ClassVar[MethodPermissions] = {
        "GET": "organization.read",
        "POST": "organization.read",
    }
    input_class = inputs.AnswerInput

    @extend_schema(responses=CommentOutput(many=True))
    def get(self, _request: Request, approval_id: str) -> Response:
        """List the comments meant for the requester, oldest first."""
        return self.conversation(approval_id)

    @extend_schema(request=inputs.AnswerInput, responses={201: CommentOutput})
    def post(self, request: Request, approval_id: str) -> Response:
        """Comment, with up to five files as multipart form data."""
        return self.comment(request, approval_id)


class AttachmentView(ApprovalView):
    """A file of a comment, for the back office."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": REVIEWERS}

    @extend_schema(responses={200: OpenApiTypes.BINARY})
    def get(self, _request: Request, approval_id: str, attachment_id: str) -> HttpResponse:
        """Download a file."""
        subject = self.load(approval_id)
        return attachment_response(selectors.get_attachment(subject, attachment_id, self.actor))


class OwnAttachmentView(AttachmentView):
    """A file of a public comment, for the requester's side."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": "organization.read"}
