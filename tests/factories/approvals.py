"""Approval requests, opened by the real service about a real subject."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, F

from apps.accounts.models import Membership
from apps.apis.constants import APPROVAL_SUBJECT
from apps.approvals.enums import Priority
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import Submission, open_request
from tests.factories.accounts import actor_of, make_member
from tests.factories.apis import make_api


def make_request(
    member: Membership | None = None, priority: Priority = Priority.NORMAL, **fields: Any
) -> ApprovalRequest:
    """Open a request about an API that waits for approval; `fields` are set afterwards."""
    member = member or make_member("developer")
    api = make_api("pending_approval", member.organization)
    submission = Submission(
        subject_type=APPROVAL_SUBJECT,
        subject_id=api.pk,
        organization=member.organization,
        title=api.name,
        priority=priority,
    )
    request = open_request(submission=submission, actor=actor_of(member))
    for name, value in fields.items():
        setattr(request, name, value)
    request.save()
    return request


def make_older(request: ApprovalRequest, by: timedelta) -> ApprovalRequest:
    """Let time pass for a request: everything about it happened, and is due, that much earlier."""
    times = [field.name for field in request._meta.fields if isinstance(field, DateTimeField)]
    rows = ApprovalRequest.objects.filter(pk=request.pk)
    rows.update(**{name: F(name) - by for name in times})
    request.history.update(created_at=F("created_at") - by)
    request.refresh_from_db()
    return request
