"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.approvals.api import views

ONE = "admin/approvals/<str:approval_id>"
OWN = "approvals/<str:approval_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/approvals", views.QueueView.as_view(), name="approval-queue"),
    path(ONE, views.QueueDetailView.as_view(), name="approval-review"),
    path(f"{ONE}/approve", views.ApproveView.as_view(), name="approval-approve"),
    path(f"{ONE}/reject", views.RejectView.as_view(), name="approval-reject"),
    path(f"{ONE}/request-information", views.InformationRequestView.as_view(), name="approval-ask"),
    path(f"{ONE}/escalate", views.EscalateView.as_view(), name="approval-escalate"),
    path(f"{ONE}/comments", views.CommentsView.as_view(), name="approval-comments"),
    path("approvals", views.OwnRequestsView.as_view(), name="own-approval-list"),
    path(OWN, views.OwnRequestView.as_view(), name="own-approval"),
    path(f"{OWN}/information", views.AnswerView.as_view(), name="own-approval-answer"),
    path(f"{OWN}/withdraw", views.WithdrawView.as_view(), name="own-approval-withdraw"),
]
