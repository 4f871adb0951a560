"""How the file of a comment leaves the house."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from apps.approvals.models import ApprovalAttachment


def attachment_response(attachment: ApprovalAttachment) -> HttpResponse:
    """Answer a file as a download that no browser will show, run, or take for anything else."""
    disposition = content_disposition_header(as_attachment=True, filename=attachment.name)
    return HttpResponse(
        bytes(attachment.content),
        content_type=attachment.content_type,
        headers={
            "Content-Disposition": disposition or "attachment",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, no-store",
        },
    )
