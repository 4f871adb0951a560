"""The approvers' queue and review page, and the deadlines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from apps.approvals import selectors, services
from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus
from apps.approvals.forms import CommentForm, DecisionForm
from apps.approvals.models import ApprovalRequest, SlaPolicy
from apps.approvals.permissions import can_review, is_own_submission
from apps.approvals.registry import handler_of, subject_types
from apps.approvals.transitions import APPROVAL
from apps.core import clock
from apps.core.actors import Actor
from apps.core.admin import BackOfficeAdmin, staff_actor
from apps.core.exceptions import DomainError
from apps.core.templatetags.ui import ago, badge

REVIEW_ROUTE: Final = "admin:approvals_approvalrequest_change"
QUEUE_ROUTE: Final = "admin:approvals_approvalrequest_changelist"
REVIEWERS: Final = ("approver", "operator")

Decide = Callable[[ApprovalRequest, Actor, str], object]
# What each button of the review page does, and what it says afterwards.
MOVES: Final[dict[str, tuple[Decide, Any]]] = {
    "approve": (
        lambda request, actor, text: services.approve_request(
            request=request, actor=actor, comment=text
        ),
        gettext_lazy("Approved."),
    ),
    "reject": (
        lambda request, actor, text: services.reject_request(
            request=request, actor=actor, comment=text
        ),
        gettext_lazy("Rejected; the requester reads your comment."),
    ),
    "ask": (
        lambda request, actor, text: services.request_information(
            request=request, actor=actor, question=text
        ),
        gettext_lazy("Asked; the clock stands still until the answer."),
    ),
    "escalate": (
        lambda request, actor, text: services.escalate_request(
            request=request, actor=actor, reason=text
        ),
        gettext_lazy("Escalated; operators are told."),
    ),
}


class OpenFilter(admin.SimpleListFilter):
    """Undecided requests first: what the queue is opened for."""

    title = gettext_lazy("queue")
    parameter_name = "queue"

    def lookups(
        self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        """Offer what there is beside the open ones."""
        return (
            ("overdue", gettext_lazy("overdue")),
            ("decided", gettext_lazy("decided")),
            ("all", gettext_lazy("all")),
        )

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Call the default what it is."""
        first, *others = super().choices(changelist)
        yield {**first, "display": gettext_lazy("open")}
        yield from others

    def queryset(
        self, _request: HttpRequest, rows: QuerySet[ApprovalRequest]
    ) -> QuerySet[ApprovalRequest]:
        """Keep what was chosen."""
        match self.value():
            case "all":
                return rows
            case "decided":
                return rows.exclude(status__in=OPEN_STATUSES)
            case "overdue":
                return rows.filter(status__in=OPEN_STATUSES, due_at__lt=clock.now())
            case _:
                return rows.filter(status__in=OPEN_STATUSES)


class SubjectFilter(admin.SimpleListFilter):
    """By what is asked."""

    title = gettext_lazy("subject")
    parameter_name = "subject_type"

    def lookups(
        self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        """Offer the registered subjects."""
        return subject_types()

    def queryset(
        self, _request: HttpRequest, rows: QuerySet[ApprovalRequest]
    ) -> QuerySet[ApprovalRequest]:
        """Keep that subject's requests."""
        return rows.filter(subject_type=self.value()) if self.value() else rows


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(BackOfficeAdmin):
    """The queue: overdue first. A row opens the review page."""

    view_roles = REVIEWERS
    list_display = ("title", "subject", "organization", "state", "priority", "deadline")
    list_filter = (OpenFilter, "priority", SubjectFilter)
    list_select_related = ("organization",)
    search_fields = ("title", "organization__name")
    actions = None

    def get_queryset(self, _request: HttpRequest) -> QuerySet[ApprovalRequest]:
        """Return all requests in the queue's order."""
        return selectors.list_queue()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Call the list what it is."""
        context = {"title": gettext("Approval queue"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_ordering(self, _request: HttpRequest) -> tuple[str, ...]:
        """Overdue first, then by deadline."""
        return ("rank", "due_at", "id")

    @admin.display(description=gettext_lazy("subject"))
    def subject(self, row: ApprovalRequest) -> Any:
        """Show what is asked."""
        return handler_of(row.subject_type).label

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: ApprovalRequest) -> SafeString:
        """Show the status as a badge."""
        return badge(row.status)

    @admin.display(description=gettext_lazy("due"), ordering="due_at")
    def deadline(self, row: ApprovalRequest) -> SafeString | str:
        """Show how much time is left, or by how much the deadline was missed."""
        if not row.is_open:
            return ago(row.decided_at)
        if row.due_at < clock.now():
            return format_html("{} {}", badge("overdue"), ago(row.due_at))
        return ago(row.due_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the review page's buttons."""
        own = [
            path(
                "<uuid:pk>/decide/",
                self.admin_site.admin_view(require_POST(self.decide)),
                name="approvals_decide",
            ),
            path(
                "<uuid:pk>/comment/",
                self.admin_site.admin_view(require_POST(self.comment)),
                name="approvals_comment",
            ),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show everything that a decision needs, and the decision."""
        subject = get_object_or_404(selectors.list_queue(), pk=object_id)
        return self._review(request, subject, DecisionForm())

    def _review(
        self, request: HttpRequest, subject: ApprovalRequest, form: DecisionForm
    ) -> HttpResponse:
        actor = staff_actor(request)
        if not can_review(actor):
            return redirect("admin:index")
        handler = handler_of(subject.subject_type)
        context = {
            **self.admin_site.each_context(request),
            **handler.review_context(subject),
            "title": subject.title,
            "approval": subject,
            "subject_label": handler.label,
            "review_template": handler.review_template,
            "is_overdue": subject.is_open and subject.due_at < clock.now(),
            "is_own": is_own_submission(subject, actor),
            "moves": self._moves(subject, actor),
            "form": form,
            "comment_form": CommentForm(),
            "comments": list(selectors.list_comments(subject, actor)),
            "history": list(subject.history.order_by("-id")),
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "approvals/review.html", context)

    def _moves(self, subject: ApprovalRequest, actor: Actor) -> set[str]:
        """Return the buttons that would not be refused."""
        if is_own_submission(subject, actor):
            return set()
        allowed = APPROVAL.allowed_from(ApprovalStatus(subject.status))
        wanted = {
            "approve": ApprovalStatus.APPROVED,
            "reject": ApprovalStatus.REJECTED,
            "ask": ApprovalStatus.INFO_REQUESTED,
            "escalate": ApprovalStatus.ESCALATED,
        }
        may_decide = actor.has_staff_role("approver") or subject.status == ApprovalStatus.ESCALATED
        deciding = {"approve", "reject", "ask"}
        return {
            name
            for name, status in wanted.items()
            if status in allowed and (may_decide or name not in deciding)
        }

    def decide(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Carry out the button that was pressed; a refusal shows the page again with what was typed."""
        subject = get_object_or_404(selectors.list_queue(), pk=pk)
        form = DecisionForm(request.POST)
        move = MOVES.get(request.POST.get("move", ""))
        if move is None or not form.is_valid():
            return self._review(request, subject, form)
        decide, said = move
        try:
            decide(subject, staff_actor(request), form.cleaned_data["comment"])
        except DomainError as error:
            form.add_error("comment" if error.field == "comment" else None, str(error.detail))
            return self._review(request, subject, form)
        messages.success(request, f"{subject.title}: {said}")
        return redirect(QUEUE_ROUTE)

    def comment(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Add to the conversation."""
        subject = get_object_or_404(ApprovalRequest, pk=pk)
        form = CommentForm(request.POST)
        if form.is_valid():
            services.add_comment(
                request=subject,
                actor=staff_actor(request),
                body=form.cleaned_data["comment"],
                is_internal=form.cleaned_data["is_internal"],
            )
            messages.success(request, gettext("Your comment is there."))
        else:
            messages.error(request, gettext("Write a comment."))
        return redirect(f"{reverse(REVIEW_ROUTE, args=[pk])}#comments")


@admin.register(SlaPolicy)
class SlaPolicyAdmin(BackOfficeAdmin):
    """How many hours decisions may take."""

    view_roles = REVIEWERS
    change_roles = ("operator",)
    list_display = ("priority", "subject_type", "resolution_hours")
    fields = ("subject_type", "priority", "resolution_hours")

    def save_model(self, request: HttpRequest, obj: SlaPolicy, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save through the service, so that the change is audited."""
        services.set_sla_policy(policy=obj, actor=staff_actor(request), before=form.initial)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators add policies for a subject type."""
        return self.has_change_permission(request, obj)
