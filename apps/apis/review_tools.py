"""What an approver can do with an API under review: have its upstream checked again, and call it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.apis import provider_selectors, selectors, services
from apps.apis.models import Api, Endpoint
from apps.apis.services.trials import SAFE_METHODS, TrialCall, call_upstream
from apps.apis.trial_forms import TrialForm
from apps.approvals.permissions import can_review
from apps.core.backoffice import staff_actor
from apps.core.exceptions import Forbidden, InvalidInput

REVIEW_ROUTE = "admin:approvals_approvalrequest_change"


class ReviewTools:
    """Pages beside the review page, mixed into the admin class of APIs."""

    admin_site: Any
    model: Any

    def get_urls(self) -> list[URLPattern]:
        """Add the pages."""
        own = [
            path(
                "<uuid:pk>/check/",
                self.admin_site.admin_view(require_POST(self.check_upstream)),
                name="apis_check_upstream",
            ),
            path("<uuid:pk>/try/", self.admin_site.admin_view(self.try_call), name="apis_try_call"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def check_upstream(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask the upstream whether it is there, and go back to where the button was pressed."""
        api = self._load(request, pk)
        check = services.check_upstream(api=api)
        if check.is_healthy:
            text = _("The upstream answered in %(ms)s ms.") % {"ms": check.latency_ms}
            messages.success(request, text)
        else:
            messages.error(request, check.error)
        approval = _approval_of(request.POST)
        if approval:
            return redirect(REVIEW_ROUTE, approval)
        return redirect("admin:apis_api_change", pk)

    def try_call(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Choose an operation, fill its parameters in, and call the upstream with them."""
        api = self._load(request, pk)
        given = request.POST if request.method == "POST" else request.GET
        endpoints = [row for row in selectors.list_endpoints(api) if row.method in SAFE_METHODS]
        endpoint = _chosen(endpoints, given)
        form = TrialForm(endpoint, given if request.method == "POST" else None)
        update = provider_selectors.find_waiting_update(api)
        wanted_url = update.changes.get("upstream_url", {}).get("after", "") if update else ""
        call: TrialCall | None = None
        if request.method == "POST" and form.is_valid():
            try:
                call = call_upstream(
                    api=api,
                    operation=form.operation(),
                    values=form.values(),
                    actor=staff_actor(request),
                    base_url=wanted_url if given.get("target") == "wanted" else "",
                )
            except InvalidInput as error:
                form.add_error(
                    error.field if error.field in form.fields else None, str(error.detail)
                )
        approval = _approval_of(given)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test call: %(name)s") % {"name": api.name},
            "api": api,
            "endpoints": endpoints,
            "endpoint": endpoint,
            "form": form,
            "call": call,
            "wanted_url": wanted_url,
            "is_wanted": given.get("target") == "wanted",
            "approval_id": approval,
            "back": reverse(REVIEW_ROUTE, args=[approval]) if approval else "",
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "apis/try_call.html", context)

    @staticmethod
    def _load(request: HttpRequest, pk: UUID) -> Api:
        if not can_review(staff_actor(request)):
            raise Forbidden
        return get_object_or_404(Api.objects.select_related("organization"), pk=pk)


def _chosen(endpoints: list[Endpoint], given: Mapping[str, Any]) -> Endpoint | None:
    """Return the operation that was chosen, else the first that needs nothing, else the first."""
    wanted = given.get("endpoint", "")
    easy = (row for row in endpoints if not any(item.get("required") for item in row.parameters))
    usual = next(easy, endpoints[0] if endpoints else None)
    return next((row for row in endpoints if row.public_id == wanted), usual)


def _approval_of(given: Mapping[str, Any]) -> str:
    """Return the request under review that the page was opened from, if it names one."""
    try:
        return str(UUID(given.get("approval", "")))
    except ValueError:
        return ""
