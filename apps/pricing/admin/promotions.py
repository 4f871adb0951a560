"""The operator's promotions in the back office, and those of providers to read."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.admin import ReadOnlyAdmin, staff_actor
from apps.core.exceptions import Forbidden
from apps.core.forms import refusals_on
from apps.pricing import services
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_forms import PromotionForm, defects_on
from apps.pricing.promotion_words import how_long, what_it_does

OPERATOR: Final = "operator"
LIST: Final = "admin:pricing_promotion_changelist"


class OperatorPromotionForm(PromotionForm):
    """The operator names plans by their ids: there may be thousands."""

    plans = forms.CharField(  # type: ignore[assignment]  # another widget for the same thing
        label=gettext_lazy("Plans"),
        required=False,
        max_length=5000,
        help_text=gettext_lazy("Public ids with commas, such as pln_…. Empty: every plan."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        """Offer no plans to choose."""
        super().__init__(*args, plans=Plan.objects.none(), **options)

    @classmethod
    def initial_of(cls, promotion: Promotion) -> dict[str, Any]:
        """Write the plans' ids."""
        plans = ", ".join(plan.public_id for plan in promotion.plans.all())
        return {**super().initial_of(promotion), "plans": plans}

    def plan_ids(self) -> tuple[str, ...]:
        """Read them."""
        given = str(self.cleaned_data["plans"]).split(",")
        return tuple(item.strip() for item in given if item.strip())


@admin.register(Promotion)
class PromotionAdmin(ReadOnlyAdmin):
    """Every promotion; operators make and change their own, and stop and start any."""

    change_roles = (OPERATOR,)
    list_display = ("name", "code", "owner", "takes_off", "lowers", "redemption_count", "is_active")
    list_filter = ("is_active", "kind", "is_automatic")
    list_select_related = ("organization",)
    search_fields = ("name", "code", "organization__name")
    actions = ("stop_selected", "start_selected")

    @admin.display(description=gettext_lazy("Borne by"))
    def owner(self, promotion: Promotion) -> str:
        """Name who bears it."""
        return str(promotion.organization or _("the operator"))

    @admin.display(description=gettext_lazy("Takes off"))
    def takes_off(self, promotion: Promotion) -> str:
        """Say what it does."""
        return what_it_does(promotion)

    @admin.display(description=gettext_lazy("Lowers"))
    def lowers(self, promotion: Promotion) -> str:
        """Say how many bills it lowers."""
        return how_long(promotion)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators make promotions of the marketplace."""
        return staff_actor(request).has_staff_role(OPERATOR)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Make a promotion that the operator bears."""
        return self._form(request, None)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Change one of the operator's; a provider's is only read."""
        promotion = get_object_or_404(Promotion, pk=object_id)
        if promotion.is_operators and self.has_change_permission(request):
            return self._form(request, promotion)
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return response

    @admin.action(description=gettext_lazy("Stop the selected promotions"), permissions=("change",))
    def stop_selected(self, request: HttpRequest, rows: QuerySet[Promotion]) -> None:
        """Let nobody redeem them any more; who has them keeps them."""
        for row in rows:
            services.deactivate_promotion(promotion=row, actor=staff_actor(request))
        messages.success(request, _("Nobody can redeem them any more."))

    @admin.action(
        description=gettext_lazy("Start the selected promotions"), permissions=("change",)
    )
    def start_selected(self, request: HttpRequest, rows: QuerySet[Promotion]) -> None:
        """Let them be redeemed again."""
        for row in rows:
            services.activate_promotion(promotion=row, actor=staff_actor(request))
        messages.success(request, _("They can be redeemed again."))

    def _form(self, request: HttpRequest, promotion: Promotion | None) -> HttpResponse:
        actor = staff_actor(request)
        if not actor.has_staff_role(OPERATOR):
            raise Forbidden(required=f"staff:{OPERATOR}")
        initial = OperatorPromotionForm.initial_of(promotion) if promotion else {}
        form = OperatorPromotionForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form), defects_on(form):
                draft = form.to_draft()
                if promotion is None:
                    services.create_promotion(draft=draft, organization=None, actor=actor)
                else:
                    services.update_promotion(promotion=promotion, draft=draft, actor=actor)
                messages.success(request, _("Saved."))
                return HttpResponseRedirect(reverse(LIST))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": str(promotion) if promotion else _("New promotion"),
            "opts": self.model._meta,
            "promotion": promotion,
            "form": form,
        }
        status = 422 if form.errors else 200
        name = "pricing/backoffice_promotion.html"
        return TemplateResponse(request, name, context, status=status)
