"""What the approval endpoints answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import User
from apps.approvals.enums import ApprovalStatus
from apps.approvals.models import (
    ApprovalAttachment,
    ApprovalComment,
    ApprovalHistory,
    ApprovalRequest,
)
from apps.approvals.registry import handler_of
from apps.approvals.selectors import list_comments, list_history

NAMED = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
}
# What the requester's side can do, by status.
OWN_ACTIONS: dict[str, list[str]] = {
    ApprovalStatus.PENDING: ["comment", "cancel"],
    ApprovalStatus.ESCALATED: ["comment", "cancel"],
    ApprovalStatus.INFO_REQUESTED: ["answer", "comment", "cancel"],
}
# What a deciding organization can do, by status.
DECIDING_ACTIONS: dict[str, list[str]] = {
    ApprovalStatus.PENDING: ["approve", "reject", "ask", "comment"],
    ApprovalStatus.ESCALATED: ["approve", "reject", "comment"],
}


def _named(person: User | None) -> dict[str, str] | None:
    return {"id": person.public_id, "name": person.get_full_name()} if person else None


class AttachmentOutput(serializers.ModelSerializer[ApprovalAttachment]):
    """A file of a comment; its bytes are at `…/attachments/{id}`."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApprovalAttachment
        fields = ("id", "name", "content_type", "size_bytes")
        read_only_fields = fields


class CommentOutput(serializers.ModelSerializer[ApprovalComment]):
    """One comment."""

    id = serializers.CharField(source="public_id", read_only=True)
    author = serializers.SerializerMethodField()
    mentions = serializers.SerializerMethodField()
    attachments = AttachmentOutput(many=True, read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApprovalComment
        fields = (
            "id", "author", "body", "is_internal", "mentions", "attachments", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_author(self, row: ApprovalComment) -> str:
        """Return the author's name; erased people and machines have none."""
        return row.author.get_full_name() if row.author else ""

    def get_mentions(self, row: ApprovalComment) -> list[str]:
        """Return the names of who is mentioned."""
        return [person.get_full_name() for person in row.mentions.all()]


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
    """A request as its requester sees it in a list."""

    id = serializers.CharField(source="public_id", read_only=True)
    organization = serializers.SerializerMethodField()
    requested_at = serializers.DateTimeField(source="created_at", read_only=True)
    is_overdue = serializers.BooleanField(read_only=True)
    conditions = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApprovalRequest
        fields: tuple[str, ...] = (
            "id", "subject_type", "title", "status", "priority", "organization", "requested_at", "due_at",
            "is_overdue", "waiting_since", "expires_at", "decided_at", "decision_comment", "conditions",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({**NAMED, "nullable": True})
    def get_organization(self, row: ApprovalRequest) -> dict[str, str] | None:
        """Return who asks; nothing for what a person asks for themselves."""
        found = row.organization
        return {"id": found.public_id, "name": found.name} if found else None


class QueueOutput(ApprovalOutput):
    """A request as the back office sees it in a list."""

    deciding_organization = serializers.SerializerMethodField()
    requested_by = serializers.SerializerMethodField()
    assignee = serializers.SerializerMethodField()
    decided_by = serializers.SerializerMethodField()

    class Meta(ApprovalOutput.Meta):
        """The requester's fields and those of the work."""

        fields = (
            *ApprovalOutput.Meta.fields,
            "deciding_organization", "requested_by", "assignee", "decided_by", "response_due_at",
            "first_response_at", "escalate_at", "escalated_at", "escalated_to_role", "breached_at",
            "response_breached_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({**NAMED, "nullable": True})
    def get_deciding_organization(self, row: ApprovalRequest) -> dict[str, str] | None:
        """Return which organization decides; nothing where the back office does."""
        found = row.deciding_organization
        return {"id": found.public_id, "name": found.name} if found else None

    @extend_schema_field({**NAMED, "nullable": True})
    def get_requested_by(self, row: ApprovalRequest) -> dict[str, str] | None:
        """Return who asked; nobody for machines and erased people."""
        return _named(row.requested_by)

    @extend_schema_field({**NAMED, "nullable": True})
    def get_assignee(self, row: ApprovalRequest) -> dict[str, str] | None:
        """Return who has it."""
        return _named(row.assignee)

    @extend_schema_field({**NAMED, "nullable": True})
    def get_decided_by(self, row: ApprovalRequest) -> dict[str, str] | None:
        """Return who decided it."""
        return _named(row.decided_by)


class _Details(serializers.Serializer[ApprovalRequest]):
    """The subject, the conversation and the history, as far as the caller may read them."""

    subject = serializers.SerializerMethodField()
    comments = serializers.SerializerMethodField()
    history = serializers.SerializerMethodField()

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


class ApprovalDetailOutput(_Details, ApprovalOutput):
    """A request for its requester, or for the organization that decides it, with what can be done about it."""

    allowed_actions = serializers.SerializerMethodField()

    class Meta(ApprovalOutput.Meta):
        """The list's fields and more."""

        fields = (
            *ApprovalOutput.Meta.fields, "subject", "comments", "history", "allowed_actions",
        )  # fmt: skip
        read_only_fields = fields

    def get_allowed_actions(self, row: ApprovalRequest) -> list[str]:
        """Return what the caller's side can do now."""
        working_in = self.context["actor"].organization_id
        is_decider = working_in is not None and working_in == row.deciding_organization_id
        actions = DECIDING_ACTIONS if is_decider else OWN_ACTIONS
        return actions.get(row.status, ["comment"])


class QueueDetailOutput(_Details, QueueOutput):
    """A request for the back office."""

    class Meta(QueueOutput.Meta):
        """The list's fields and more."""

        fields = (*QueueOutput.Meta.fields, "subject", "comments", "history")
        read_only_fields = fields
