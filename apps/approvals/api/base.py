"""What the views of one request share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.approvals import selectors
from apps.approvals.api.serializers import ApprovalDetailOutput, QueueDetailOutput
from apps.approvals.exceptions import UnsuitableAssignee
from apps.approvals.models import ApprovalRequest
from apps.core.api.views import IDEMPOTENCY_HEADER, ApiView
from apps.core.idempotency import fingerprint_of, run_once

REVIEWERS: Final = "staff:approver,operator"
ME: Final = "me"


class ApprovalView(ApiView):
    """Base of the views of one request."""

    def load(self, approval_id: str) -> ApprovalRequest:
        """Return the request if the caller may see it, else answer 404."""
        return selectors.get_request(self.actor, approval_id)

    def detail(self, approval_id: str) -> Response:
        """Answer the request as it is now, as far as the caller may read it."""
        found = self.load(approval_id)
        shape = QueueDetailOutput if self.actor.sees_every_tenant else ApprovalDetailOutput
        return Response(shape(found, context={"actor": self.actor}).data)

    def created_with_files(
        self, request: Request, given: dict[str, Any], make: Callable[[], Any]
    ) -> Response:
        """Create something once per Idempotency-Key from a form with files.

        A form's bytes are gone when its files were read, so what it says is compared instead.
        """
        key = request.headers.get(IDEMPOTENCY_HEADER)
        if key is None:
            return Response(make(), status=status.HTTP_201_CREATED)
        answer = run_once(
            scope=self.idempotency_scope,
            key=key,
            fingerprint=fingerprint_of(request.method or "", request.path, _digest(given)),
            work=lambda: (status.HTTP_201_CREATED, make()),
        )
        headers = {"Idempotent-Replayed": "true"} if answer.is_replay else None
        return Response(answer.body, status=answer.status, headers=headers)


def person_named(name: str | None, user_id: Any) -> User | None:
    """Return the member of staff whom an input names: a public id, or `me`.

    Raises:
        UnsuitableAssignee: nobody of the back office has that id.
    """
    if not name:
        return None
    if name == ME:
        found = selectors.list_assignable_staff().filter(pk=user_id).first()
    else:
        found = selectors.find_assignable(name)
    if found is None:
        raise UnsuitableAssignee(_("Nobody of the back office has this id."), field="assignee")
    return found


def _digest(given: dict[str, Any]) -> bytes:
    digest = hashlib.sha256(repr([(k, v) for k, v in given.items() if k != "files"]).encode())
    for file in given["files"]:
        digest.update(f"\0{file.name}\0{file.size}\0".encode())
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
    return digest.digest()
