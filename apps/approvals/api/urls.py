"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.approvals.api import conversation_views, own_views, report_views, views

QUEUE = "admin/approvals"
ONE = f"{QUEUE}/<str:approval_id>"
OWN = "approvals/<str:approval_id>"
FILE = "attachments/<str:attachment_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(QUEUE, views.QueueView.as_view(), name="approval-queue"),
    path(f"{QUEUE}/bulk", report_views.BulkView.as_view(), name="approval-bulk"),
    path(f"{QUEUE}/calendar", report_views.CalendarView.as_view(), name="approval-calendar"),
    path(f"{QUEUE}/counts", report_views.CountsView.as_view(), name="approval-counts"),
    path(f"{QUEUE}/overdue", views.OverdueView.as_view(), name="approval-overdue"),
    path(f"{QUEUE}/statistics", report_views.StatisticsView.as_view(), name="approval-statistics"),
    path(ONE, views.QueueDetailView.as_view(), name="approval-review"),
    path(f"{ONE}/approve", views.ApproveView.as_view(), name="approval-approve"),
    path(f"{ONE}/reject", views.RejectView.as_view(), name="approval-reject"),
    path(f"{ONE}/request-information", views.InformationRequestView.as_view(), name="approval-ask"),
    path(f"{ONE}/escalate", views.EscalateView.as_view(), name="approval-escalate"),
    path(f"{ONE}/assign", views.AssignView.as_view(), name="approval-assign"),
    path(f"{ONE}/claim", views.ClaimView.as_view(), name="approval-claim"),
    path(f"{ONE}/priority", views.PriorityView.as_view(), name="approval-priority"),
    path(f"{ONE}/history", views.HistoryView.as_view(), name="approval-history"),
    path(f"{ONE}/comments", conversation_views.CommentsView.as_view(), name="approval-comments"),
    path(f"{ONE}/{FILE}", conversation_views.AttachmentView.as_view(), name="approval-attachment"),
    path("approvals", own_views.OwnRequestsView.as_view(), name="own-approval-list"),
    path("approvals/received", own_views.ReceivedRequestsView.as_view(), name="received-approvals"),
    path(OWN, own_views.OwnRequestView.as_view(), name="own-approval"),
    path(f"{OWN}/approve", own_views.DecideApproveView.as_view(), name="own-approval-approve"),
    path(f"{OWN}/reject", own_views.DecideRejectView.as_view(), name="own-approval-reject"),
    path(f"{OWN}/request-information", own_views.DecideAskView.as_view(), name="own-approval-ask"),
    path(f"{OWN}/information", own_views.AnswerView.as_view(), name="own-approval-answer"),
    path(f"{OWN}/withdraw", own_views.WithdrawView.as_view(), name="own-approval-withdraw"),
    path(
        f"{OWN}/comments",
        conversation_views.OwnCommentsView.as_view(),
        name="own-approval-comments",
    ),
    path(
        f"{OWN}/{FILE}",
        conversation_views.OwnAttachmentView.as_view(),
        name="own-approval-attachment",
    ),
]
