"""The queue: overdue first, filters, and decisions about many requests at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
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
from apps.approvals.admin import filters
from apps.approvals.admin.clock import sla_clock
from apps.approvals.admin.review import ReviewPages
from apps.approvals.admin.routes import QUEUE_ROUTE, REVIEW_ROUTE, REVIEWERS
from apps.approvals.admin.statistics import StatisticsPage
from apps.approvals.enums import BulkDecision, Priority
from apps.approvals.forms import BulkForm
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import handler_of
from apps.approvals.selectors.reviews import median_time_to_decision
from apps.approvals.services.bulk import MAX_BULK
from apps.core import clock
from apps.core.admin import BackOfficeAdmin, staff_actor
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.core.templatetags.ui import ago, badge

SUMMARY_DAYS: Final = 30
PRIORITY_TONES: Final = {Priority.URGENT: "bad", Priority.HIGH: "warn"}
# What the page that asks for the one comment says, and what its button does.
BULK_TITLES: Final = {
    BulkDecision.APPROVE: gettext_lazy("Approve the selected requests"),
    BulkDecision.REJECT: gettext_lazy("Reject the selected requests"),
    BulkDecision.ASSIGN: gettext_lazy("Assign the selected requests"),
    BulkDecision.ESCALATE: gettext_lazy("Escalate the selected requests"),
}
BULK_BUTTONS: Final = {
    BulkDecision.APPROVE: gettext_lazy("Approve all of them"),
    BulkDecision.REJECT: gettext_lazy("Reject all of them"),
    BulkDecision.ASSIGN: gettext_lazy("Assign all of them"),
    BulkDecision.ESCALATE: gettext_lazy("Escalate all of them"),
}


def selected_keys(request: HttpRequest) -> list[str]:
    """Return the keys of the rows that were ticked."""
    return request.POST.getlist(ACTION_CHECKBOX_NAME)


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(StatisticsPage, ReviewPages, BackOfficeAdmin):
    """The queue: overdue first. A row opens the review page."""

    view_roles = REVIEWERS
    change_list_template = "approvals/queue.html"
    list_display = ("subject", "asker", "urgency", "clock", "assigned", "state")
    list_display_links = ("subject",)
    list_filter = (
        filters.QueueFilter,
        filters.AssigneeFilter,
        filters.SubjectFilter,
        "priority",
    )
    list_select_related = ("organization", "requested_by", "assignee")
    search_fields = ("title", "organization__name")
    actions = ("approve_selected", "reject_selected", "assign_selected", "escalate_selected")

    def get_queryset(self, _request: HttpRequest) -> QuerySet[ApprovalRequest]:
        """Return all requests in the queue's order."""
        return selectors.list_queue()

    def get_ordering(self, _request: HttpRequest) -> tuple[str, ...]:
        """Overdue first, then by deadline."""
        return ("rank", "due_at", "id")

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Whether this person works in the queue; each decision is checked again by itself."""
        return staff_actor(request).has_staff_role(*REVIEWERS)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Call the list what it is, and sum up what waits."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        context = {
            "title": gettext("Approval queue"),
            "counts": selectors.count_queue(staff_actor(request).user_id),
            "median": median_time_to_decision(clock.now() - timedelta(days=SUMMARY_DAYS)),
            "summary_days": SUMMARY_DAYS,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        """Add the button that takes a request."""
        own = path(
            "<uuid:pk>/claim/",
            self.admin_site.admin_view(require_POST(self.claim)),
            name="approvals_claim",
        )
        return [own, *super().get_urls()]

    # --- columns --------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("subject"), ordering="title")
    def subject(self, row: ApprovalRequest) -> SafeString:
        """Show what it is about, and what is asked."""
        label = handler_of(row.subject_type).label
        return format_html('{}<span class="queue__sub">{}</span>', row.title, label)

    @admin.display(description=gettext_lazy("organization"), ordering="organization__name")
    def asker(self, row: ApprovalRequest) -> SafeString | str:
        """Show who asks, and which organization decides where the back office does not."""
        if row.deciding_organization is None:
            return row.asker
        decides = gettext("%(name)s decides") % {"name": row.deciding_organization.name}
        return format_html('{}<span class="queue__sub">{}</span>', row.asker, decides)

    @admin.display(description=gettext_lazy("priority"), ordering="priority")
    def urgency(self, row: ApprovalRequest) -> SafeString:
        """Show the priority; what is urgent stands out."""
        tone = PRIORITY_TONES.get(Priority(row.priority), "neutral")
        return badge(row.priority, row.get_priority_display().capitalize(), tone)

    @admin.display(description=gettext_lazy("time left"), ordering="due_at")
    def clock(self, row: ApprovalRequest) -> SafeString | str:
        """Show how much time is left, by how much the deadline was missed, or when it was decided."""
        found = sla_clock(row)
        if found is None:
            return ago(row.decided_at)
        late = format_html('<span class="queue__sub">{}</span>', found.note) if found.note else ""
        return format_html(
            '<span class="queue__clock">{} {}</span>{}',
            badge(found.state, found.label, found.tone),
            found.text,
            late,
        )

    @admin.display(description=gettext_lazy("assignee"), ordering="assignee__name")
    def assigned(self, row: ApprovalRequest) -> SafeString | str:
        """Show who has it; nobody's can be taken by one click."""
        if row.assignee is not None:
            return row.assignee.get_full_name()
        if not row.is_open:
            return "–"
        return format_html(
            '<button class="button queue__claim" type="submit" formaction="{}" formnovalidate>{}'
            '<span class="visually-hidden"> {}</span></button>',
            reverse("admin:approvals_claim", args=[row.pk]),
            gettext("Take it"),
            row.title,
        )

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: ApprovalRequest) -> SafeString:
        """Show the status as a badge."""
        return badge(row.status)

    def claim(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Take a request that nobody has."""
        subject = get_object_or_404(ApprovalRequest, pk=pk)
        try:
            services.claim_request(request=subject, actor=staff_actor(request))
            messages.success(request, gettext("%(title)s is yours.") % {"title": subject.title})
        except DomainError as error:
            messages.error(request, f"{subject.title}: {error.detail}")
        if request.POST.get("back") == "review":
            return redirect(REVIEW_ROUTE, pk)
        return redirect(QUEUE_ROUTE)

    # --- many at once ---------------------------------------------------------------------------

    @admin.action(
        description=gettext_lazy("Approve the selected requests"), permissions=("review",)
    )
    def approve_selected(
        self, request: HttpRequest, rows: QuerySet[ApprovalRequest]
    ) -> HttpResponse | None:
        """Say yes to all of them."""
        return self._bulk(request, rows, BulkDecision.APPROVE)

    @admin.action(description=gettext_lazy("Reject the selected requests"), permissions=("review",))
    def reject_selected(
        self, request: HttpRequest, rows: QuerySet[ApprovalRequest]
    ) -> HttpResponse | None:
        """Say no to all of them."""
        return self._bulk(request, rows, BulkDecision.REJECT)

    @admin.action(description=gettext_lazy("Assign the selected requests"), permissions=("review",))
    def assign_selected(
        self, request: HttpRequest, rows: QuerySet[ApprovalRequest]
    ) -> HttpResponse | None:
        """Give all of them to one person."""
        return self._bulk(request, rows, BulkDecision.ASSIGN)

    @admin.action(
        description=gettext_lazy("Escalate the selected requests"), permissions=("review",)
    )
    def escalate_selected(
        self, request: HttpRequest, rows: QuerySet[ApprovalRequest]
    ) -> HttpResponse | None:
        """Hand all of them to somebody with more authority."""
        return self._bulk(request, rows, BulkDecision.ESCALATE)

    def _bulk(
        self, request: HttpRequest, rows: QuerySet[ApprovalRequest], decision: BulkDecision
    ) -> HttpResponse | None:
        """Ask for the one comment, then decide and show what became of each request."""
        if request.POST.get("select_across") != "1":
            # What a colleague decided meanwhile is no longer in the list, but must be in the results.
            rows = self.get_queryset(request).filter(pk__in=selected_keys(request))
        chosen = list(rows[: MAX_BULK + 1])
        if len(chosen) > MAX_BULK:
            text = gettext("Choose at most %(most)s requests at once.") % {"most": MAX_BULK}
            self.message_user(request, text, messages.ERROR)
            return None
        is_sent = "apply" in request.POST
        form = BulkForm(request.POST if is_sent else None, decision=decision)
        if is_sent and form.is_valid():
            with refusals_on(form):
                results = services.decide_in_bulk(
                    public_ids=[row.public_id for row in chosen],
                    decision=decision,
                    actor=staff_actor(request),
                    comment=form.cleaned_data.get("comment", ""),
                    assignee=form.cleaned_data.get("assignee"),
                )
                return self._bulk_results(request, decision, chosen, results)
        context = {
            **self.admin_site.each_context(request),
            "title": BULK_TITLES[decision],
            "button": BULK_BUTTONS[decision],
            "action": f"{decision}_selected",
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "chosen": [(row, sla_clock(row)) for row in chosen],
            "form": form,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "approvals/bulk.html", context)

    def _bulk_results(
        self,
        request: HttpRequest,
        decision: BulkDecision,
        chosen: list[ApprovalRequest],
        results: list[services.BulkResult],
    ) -> HttpResponse:
        done = sum(result.outcome == "done" for result in results)
        context = {
            **self.admin_site.each_context(request),
            "title": BULK_TITLES[decision],
            "outcomes": list(zip(chosen, results, strict=True)),
            "done": done,
            "failed": len(results) - done,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "approvals/bulk_results.html", context)
