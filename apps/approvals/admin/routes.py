"""Names that the pages of this back office share."""

from __future__ import annotations

from typing import Final

REVIEW_ROUTE: Final = "admin:approvals_approvalrequest_change"
QUEUE_ROUTE: Final = "admin:approvals_approvalrequest_changelist"
STATISTICS_ROUTE: Final = "admin:approvals_statistics"
REVIEWERS: Final = ("approver", "operator")
