"""The operator's view of subscriptions: who may call what, and stopping it; and the moderation of reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.admin import ReadOnlyAdmin, ReasonForm, staff_actor
from apps.core.exceptions import DomainError
from apps.subscriptions import services
from apps.subscriptions.admin.top_ups import TopUpPages
from apps.subscriptions.models import Rating, RatingReport, Subscription, SubscriptionChange
from apps.subscriptions.selectors import list_moderated_reviews

EXCERPT_LENGTH: Final = 80


class ChangeInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """What happened to a subscription."""

    model = SubscriptionChange
    fields = ("created_at", "kind", "actor_label", "reason")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Changes come from services."""
        return False


@admin.register(Subscription)
class SubscriptionAdmin(TopUpPages, ReadOnlyAdmin):
    """Every subscription; operators suspend and resume with a reason, and grant extra calls."""

    change_roles = ("operator",)
    change_form_template = "subscriptions/backoffice_subscription.html"
    list_display = ("api", "plan", "consumer_organization", "status", "started_at", "ends_at")
    list_filter = ("status",)
    list_select_related = ("api", "plan", "consumer_organization")
    search_fields = ("api__name", "consumer_organization__name", "provider_organization__name")
    inlines = (ChangeInline,)
    action_form = ReasonForm
    actions = ("suspend_selected", "resume_selected")

    @admin.action(description=_("Suspend the selected subscriptions"), permissions=("change",))
    def suspend_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        """Stop their calls until they are resumed."""
        reason = request.POST.get("reason", "")
        self._move(
            request,
            rows,
            lambda row: services.suspend_subscription(
                subscription=row, actor=staff_actor(request), reason=reason
            ),
        )

    @admin.action(description=_("Resume the selected subscriptions"), permissions=("change",))
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        """Let their calls pass again."""
        self._move(
            request,
            rows,
            lambda row: services.resume_subscription(subscription=row, actor=staff_actor(request)),
        )

    def _move(
        self,
        request: HttpRequest,
        rows: QuerySet[Subscription],
        move: Callable[[Subscription], Any],
    ) -> None:
        done = move_each(self, request, rows, move)
        if done:
            text = ngettext("%d subscription changed.", "%d subscriptions changed.", done) % done
            self.message_user(request, text)


class QueueFilter(admin.SimpleListFilter):
    """Reported reviews first: what the page is opened for."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(
        self, _request: HttpRequest, _model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        """Offer what there is beside the reported ones."""
        return (("hidden", _("hidden")), ("all", _("all")))

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Call the default what it is."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("reported")}
        yield from others

    def queryset(self, _request: HttpRequest, rows: QuerySet[Rating]) -> QuerySet[Rating]:
        """Keep what was chosen."""
        match self.value():
            case "all":
                return rows
            case "hidden":
                return rows.filter(hidden_at__isnull=False)
            case _:
                return rows.filter(pk__in=Rating.objects.reported())


class ReportInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """Why people reported a review."""

    model = RatingReport
    fields = ("created_at", "reason", "resolved_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Reports come from people on the API's page."""
        return False


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    """The moderation queue: reported reviews, hidden ones, all; hide with a reason, show again, dismiss."""

    change_roles = ("approver", "operator")
    view_roles = ("approver", "operator")
    list_display = (
        "api",
        "stars",
        "excerpt",
        "consumer_organization",
        "reports_open",
        "hidden_at",
        "created_at",
    )
    list_filter = (QueueFilter, "stars")
    search_fields = ("api__name", "consumer_organization__name", "title", "body")
    inlines = (ReportInline,)
    action_form = ReasonForm
    actions = ("hide_selected", "restore_selected", "dismiss_selected")

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Rating]:
        """Return all reviews with their reports counted."""
        return list_moderated_reviews()

    @admin.display(description=_("review"))
    def excerpt(self, row: Rating) -> str:
        """Show the beginning of what was said."""
        return Truncator(f"{row.title} {row.body}".strip()).chars(EXCERPT_LENGTH)

    @admin.display(description=_("open reports"), ordering="open_reports")
    def reports_open(self, row: Any) -> int:
        """Show how many people wait for a decision."""
        count: int = row.open_reports
        return count

    @admin.action(
        description=_("Hide the selected reviews (say why; the author reads it)"),
        permissions=("change",),
    )
    def hide_selected(self, request: HttpRequest, rows: QuerySet[Rating]) -> None:
        """Take them out of the catalogue and of the average."""
        self._moderate(request, rows, services.hide_review)

    @admin.action(description=_("Show the selected reviews again"), permissions=("change",))
    def restore_selected(self, request: HttpRequest, rows: QuerySet[Rating]) -> None:
        """Bring them back."""
        self._moderate(request, rows, services.restore_review)

    @admin.action(description=_("Dismiss the reports of the selected"), permissions=("change",))
    def dismiss_selected(self, request: HttpRequest, rows: QuerySet[Rating]) -> None:
        """Leave them as they are."""
        self._moderate(request, rows, services.dismiss_reports)

    def _moderate(
        self, request: HttpRequest, rows: QuerySet[Rating], move: Callable[..., Any]
    ) -> None:
        reason, actor = request.POST.get("reason", ""), staff_actor(request)
        done = move_each(
            self, request, rows, lambda row: move(rating=row, actor=actor, reason=reason)
        )
        if done:
            text = ngettext("%d review changed.", "%d reviews changed.", done) % done
            self.message_user(request, text)


def move_each(
    page: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: Iterable[Any],
    move: Callable[[Any], Any],
) -> int:
    """Move one row after the other, tell what was refused, and return how many were moved."""
    done = 0
    for row in rows:
        try:
            move(row)
            done += 1
        except DomainError as refusal:
            page.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)
    return done
