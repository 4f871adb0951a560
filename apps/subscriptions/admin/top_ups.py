"""The back office's page of one subscription's extra calls: grant some, and see what was granted."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from apps.core.admin import staff_actor
from apps.core.exceptions import Forbidden
from apps.core.forms import refusals_on
from apps.subscriptions import services
from apps.subscriptions.forms import TopUpForm
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import quota_standing

OPERATOR: Final = "operator"
PAGE: Final = "admin:subscriptions_top_ups"


class TopUpPages:
    """The page, mixed into the admin class of subscriptions."""

    admin_site: Any
    model: Any

    def get_urls(self) -> list[URLPattern]:
        """Add its address."""
        wrap = self.admin_site.admin_view
        own = path("<uuid:pk>/top-ups/", wrap(self.top_ups), name="subscriptions_top_ups")
        return [own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def top_ups(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Show what is left of the quota, and grant calls for this period."""
        if not staff_actor(request).has_staff_role(OPERATOR):
            raise Forbidden(required=f"staff:{OPERATOR}")
        rows = Subscription.objects.select_related(
            "api", "plan", "price_version", "consumer_organization"
        )
        subscription = get_object_or_404(rows, pk=pk)
        form = TopUpForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                services.top_up_quota(
                    subscription=subscription, actor=staff_actor(request), **form.cleaned_data
                )
                messages.success(request, _("The calls are granted."))
                return HttpResponseRedirect(reverse(PAGE, args=[pk]))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Extra calls"),
            "opts": self.model._meta,
            "subscription": subscription,
            "standing": quota_standing(subscription),
            "granted": list(subscription.quota_top_ups.all()),
            "form": form,
        }
        status = 422 if form.errors else 200
        name = "subscriptions/backoffice_top_ups.html"
        return TemplateResponse(request, name, context, status=status)
