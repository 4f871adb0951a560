"""The review page: everything that a decision needs, and the decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from apps.approvals import selectors, services
from apps.approvals.admin.clock import sla_clock
from apps.approvals.admin.routes import QUEUE_ROUTE, REVIEW_ROUTE
from apps.approvals.downloads import attachment_response
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.forms import CommentForm, DecisionForm, HandlingForm
from apps.approvals.history_lines import describe_history
from apps.approvals.models import ApprovalRequest
from apps.approvals.organization_facts import facts_of
from apps.approvals.permissions import can_review, is_own_submission, require_can_decide
from apps.approvals.registry import handler_of
from apps.approvals.selectors.reviews import list_previous_requests
from apps.approvals.transitions import APPROVAL
from apps.core.actors import Actor
from apps.core.admin import staff_actor
from apps.core.exceptions import Forbidden
from apps.core.forms import refusals_on

Given = dict[str, Any]
Decide = Callable[[ApprovalRequest, Actor, Given], object]
# What each button of the decision does, and what it says afterwards.
MOVES: Final[dict[str, tuple[Decide, Any]]] = {
    "approve": (
        lambda request, actor, given: services.approve_request(
            request=request,
            actor=actor,
            comment=given["comment"],
            conditions=given["conditions"],
        ),
        gettext_lazy("Approved."),
    ),
    "reject": (
        lambda request, actor, given: services.reject_request(
            request=request, actor=actor, comment=given["comment"]
        ),
        gettext_lazy("Rejected; the requester reads your comment."),
    ),
    "ask": (
        lambda request, actor, given: services.request_information(
            request=request, actor=actor, question=given["comment"]
        ),
        gettext_lazy("Asked; the clock stands still until the answer."),
    ),
    "escalate": (
        lambda request, actor, given: services.escalate_request(
            request=request, actor=actor, reason=given["comment"]
        ),
        gettext_lazy("Escalated; who decides now was told."),
    ),
}
STATUS_OF_MOVE: Final = {
    "approve": ApprovalStatus.APPROVED,
    "reject": ApprovalStatus.REJECTED,
    "ask": ApprovalStatus.INFO_REQUESTED,
    "escalate": ApprovalStatus.ESCALATED,
}
DECIDING: Final = frozenset({"approve", "reject", "ask"})


def moves_of(subject: ApprovalRequest, actor: Actor) -> set[str]:
    """Return the buttons that would not be refused."""
    if is_own_submission(subject, actor):
        return set()
    allowed = APPROVAL.allowed_from(ApprovalStatus(subject.status))
    may_decide = _may_decide(subject, actor)
    return {
        name
        for name, status in STATUS_OF_MOVE.items()
        if status in allowed and (may_decide or name not in DECIDING)
    }


def _may_decide(subject: ApprovalRequest, actor: Actor) -> bool:
    try:
        require_can_decide(subject, actor)
    except Forbidden:
        return False
    return True


class ReviewPages:
    """The pages and buttons of one request, mixed into the queue's admin class."""

    admin_site: Any
    model: Any

    def get_urls(self) -> list[URLPattern]:
        """Add the review page's buttons and files."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "decide": self.decide,
            "comment": self.comment,
            "handle": self.handle,
        }
        own = [
            path(
                f"<uuid:pk>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"approvals_{name}",
            )
            for name, view in views.items()
        ]
        files = path(
            "<uuid:pk>/files/<str:attachment_id>/",
            self.admin_site.admin_view(self.attachment),
            name="approvals_attachment",
        )
        return [*own, files, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show everything that a decision needs, and the decision."""
        return self._review(request, self._load(object_id))

    def decide(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Carry out the button that was pressed; a refusal shows the page again with what was typed."""
        subject = self._load(pk)
        form = DecisionForm(request.POST)
        move = MOVES.get(request.POST.get("move", ""))
        if move is not None and form.is_valid():
            decide, said = move
            with refusals_on(form):
                decide(subject, staff_actor(request), form.cleaned_data)
                messages.success(request, f"{subject.title}: {said}")
                return redirect(QUEUE_ROUTE)
        return self._review(request, self._load(pk), decision_form=form)

    def comment(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Add to the conversation, with files."""
        subject = self._load(pk)
        form = CommentForm(request.POST)
        if form.is_valid():
            with refusals_on(form):
                services.add_comment(
                    request=subject,
                    actor=staff_actor(request),
                    body=form.cleaned_data["comment"],
                    is_internal=form.cleaned_data["is_internal"],
                    files=request.FILES.getlist("files"),
                )
                messages.success(request, gettext("Your comment is there."))
                return redirect(f"{reverse(REVIEW_ROUTE, args=[pk])}#comments")
        return self._review(request, subject, comment_form=form)

    def handle(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Assign the request, or change its priority."""
        subject = self._load(pk)
        form = HandlingForm(request.POST)
        if form.is_valid():
            actor = staff_actor(request)
            with refusals_on(form):
                services.assign_request(
                    request=subject, assignee=form.cleaned_data["assignee"], actor=actor
                )
                services.change_priority(
                    request=subject, priority=Priority(form.cleaned_data["priority"]), actor=actor
                )
                messages.success(request, gettext("Saved."))
                return redirect(REVIEW_ROUTE, pk)
        return self._review(request, self._load(pk), handling_form=form)

    def attachment(self, request: HttpRequest, pk: UUID, attachment_id: str) -> HttpResponse:
        """Download a file of a comment."""
        actor = staff_actor(request)
        if not can_review(actor):
            raise Forbidden
        found = selectors.get_attachment(self._load(pk), attachment_id, actor.as_platform())
        return attachment_response(found)

    @staticmethod
    def _load(pk: UUID | str) -> ApprovalRequest:
        return get_object_or_404(selectors.list_queue(), pk=pk)

    def _review(
        self, request: HttpRequest, subject: ApprovalRequest, **sent: forms.Form
    ) -> HttpResponse:
        actor = staff_actor(request)
        if not can_review(actor):
            return redirect("admin:index")
        platform = actor.as_platform()
        handler = handler_of(subject.subject_type)
        handling = {"assignee": subject.assignee_id, "priority": subject.priority}
        context = {
            **self.admin_site.each_context(request),
            **handler.review_context(subject),
            "title": subject.title,
            "approval": subject,
            "clock": sla_clock(subject),
            "subject_label": handler.label,
            "review_template": handler.review_template,
            "is_own": is_own_submission(subject, actor),
            "is_mine": subject.assignee_id is not None and subject.assignee_id == actor.user_id,
            "moves": moves_of(subject, actor),
            "form": sent.get("decision_form") or DecisionForm(),
            "comment_form": sent.get("comment_form") or CommentForm(),
            "handling_form": sent.get("handling_form") or HandlingForm(initial=handling),
            "comments": list(selectors.list_comments(subject, platform)),
            "history": describe_history(selectors.list_history(subject, platform)),
            "previous": list(list_previous_requests(subject)),
            "facts": facts_of(subject.organization) if subject.organization else [],
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "approvals/review.html", context)
