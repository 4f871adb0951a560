"""What the approval endpoints take and answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.approvals.models import ApprovalComment, ApprovalHistory, ApprovalRequest
from apps.approvals.registry import handler_of
from apps.approvals.selectors import list_comments, list_history
from apps.core import clock

MAX_COMMENT_LENGTH = 5000


class DecisionInput(serializers.Serializer[dict[str, Any]]):
    """A decision with what the requester should read."""

    comment = serializers.CharField(max_length=MAX_COMMENT_LENGTH, allow_blank=True, default="")


class ReasonInput(serializers.Serializer[dict[str, Any]]):
    """A move that must be explained."""

    comment = serializers.CharField(max_length=MAX_COMMENT_LENGTH)


class CommentInput(ReasonInput):
    """Something said; internal comments stay in the back office."""

    is_internal = serializers.BooleanField(default=False)


class CommentOutput(serializers.ModelSerializer[ApprovalComment]):
    """One comment."""

    id = serializers.CharField(source="public_id", read_only=True)
    author = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = ApprovalComment
        fields = ("id", "author", "body", "is_internal", "created_at")
        read_only_fields = fields

    def get_author(self, row: ApprovalComment) -> str:
        """Return the author's name; erased people and machines have none."""
        return row.author.get_full_name() if row.author else ""


class HistoryOutput(serializers.ModelSerializer[ApprovalHistory]):
    """One change."""

    at = serializers.DateTimeField(source="created_at", read_only=True)
    by = serializers.CharField(source="actor_label", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApprovalHistory
        fields = ("at", "by", "action", "before", "after", "comment")
        read_only_fields = fields


class ApprovalOutput(serializers.ModelSerializer[ApprovalRequest]):
    """A request in a list."""

    id = serializers.CharField(source="public_id", read_only=True)
    organization = serializers.SerializerMethodField()
    requested_at = serializers.DateTimeField(source="created_at", read_only=True)
    is_overdue = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = ApprovalRequest
        fields: tuple[str, ...] = (
            "id",
            "subject_type",
            "title",
            "status",
            "priority",
            "organization",
            "requested_at",
            "due_at",
            "is_overdue",
            "decided_at",
            "decision_comment",
        )
        read_only_fields = fields

    @extend_schema_field(
        {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
    )
    def get_organization(self, row: ApprovalRequest) -> dict[str, str]:
        """Return who asks."""
        return {"id": row.organization.public_id, "name": row.organization.name}

    def get_is_overdue(self, row: ApprovalRequest) -> bool:
        """Return whether the deadline of an open request has passed."""
        return row.is_open and row.due_at < clock.now()


class ApprovalDetailOutput(ApprovalOutput):
    """A request with its subject, conversation and history."""

    subject = serializers.SerializerMethodField()
    comments = serializers.SerializerMethodField()
    history = serializers.SerializerMethodField()

    class Meta(ApprovalOutput.Meta):
        """The list's fields and more."""

        fields = (*ApprovalOutput.Meta.fields, "subject", "comments", "history")
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_subject(self, row: ApprovalRequest) -> dict[str, Any]:
        """Return what the subject's handler tells about it."""
        return handler_of(row.subject_type).subject_summary(row)

    @extend_schema_field(HistoryOutput(many=True))
    def get_history(self, row: ApprovalRequest) -> Any:
        """Return the changes that the caller may read."""
        return HistoryOutput(list_history(row, self.context["actor"]), many=True).data

    @extend_schema_field(CommentOutput(many=True))
    def get_comments(self, row: ApprovalRequest) -> Any:
        """Return the comments that the caller may read."""
        return CommentOutput(list_comments(row, self.context["actor"]), many=True).data
