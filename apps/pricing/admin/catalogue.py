"""The operator's catalogue in the back office: models, loads with their problems, revisions and rollbacks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps.core.admin import ReadOnlyAdmin
from apps.core.backoffice import staff_actor
from apps.core.exceptions import DomainError, Forbidden
from apps.core.forms import refusals_on
from apps.pricing import catalogue_selectors as selectors
from apps.pricing import services
from apps.pricing.catalogue_forms import DefinitionForm, RollbackForm, written
from apps.pricing.enums import CatalogueOwner
from apps.pricing.exceptions import CatalogueInvalid
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision

MODELS_PAGE = "admin:pricing_cataloguemodel_changelist"
LOADS_PAGE = "admin:pricing_catalogueload_changelist"
REVISIONS_PAGE = "admin:pricing_cataloguerevision_changelist"


class CataloguePage(ReadOnlyAdmin):
    """Base of the catalogue's pages: operators change, finance reads."""

    view_roles = ("operator", "finance")
    change_roles = ("operator",)

    def show(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Show a page in the back office's frame."""
        if not self.has_view_permission(request):
            raise Forbidden(required="staff:operator")
        site = self.admin_site.each_context(request)
        whole = {
            **site,
            "title": title,
            "opts": self.model._meta,
            "can_change": self.has_change_permission(request),
            **context,
        }
        form = context.get("form")
        status = 422 if form is not None and form.errors else 200
        return TemplateResponse(request, template, whole, status=status)

    def require_operator(self, request: HttpRequest) -> None:
        """Refuse who may only read."""
        if not self.has_change_permission(request):
            raise Forbidden(required="staff:operator")


@admin.register(CatalogueModel)
class CatalogueModelAdmin(CataloguePage):
    """Pricing models, and where each is kept."""

    list_display = ("key", "name", "kind", "owner", "source_file", "is_active", "updated_at")
    list_filter = ("kind", "owner", "is_active")
    search_fields = ("key", "name")
    actions = ("activate", "deactivate")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A new model is written here like in a file."""
        return self.has_change_permission(request)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Write a model."""
        self.require_operator(request)
        form = DefinitionForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form), form.defects_shown():
                model = services.create_pricing_model(
                    definition=form.definition, actor=staff_actor(request)
                )
                messages.success(request, _("Providers can make plans from it now."))
                return HttpResponseRedirect(_model_page(model))
        return self.show(request, "pricing/backoffice/model.html", _("New model"), {"form": form})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a model with its versions, and let its owner change it."""
        row = self.get_object(request, object_id)
        if row is None:
            return HttpResponseRedirect(reverse(MODELS_PAGE))
        model = selectors.get_model(row.key)
        is_ours = model.owner == CatalogueOwner.MANUAL and self.has_change_permission(request)
        form = None
        definition = getattr(model, "definition")  # noqa: B009 -- an annotation
        if is_ours:
            form = DefinitionForm(request.POST or None, definition=definition)
            if request.method == "POST" and form.is_valid():
                with refusals_on(form), form.defects_shown():
                    services.update_pricing_model(
                        model=model, definition=form.definition, actor=staff_actor(request)
                    )
                    messages.success(request, _("Saved."))
                    return HttpResponseRedirect(_model_page(model))
        context = {
            "model": model,
            "form": form,
            "text": written(definition),
            "versions": [
                (version, written(version.definition))
                for version in model.versions.select_related("revision")
            ],
        }
        return self.show(request, "pricing/backoffice/model.html", model.name, context)

    @admin.action(description=gettext_lazy("Offer the selected models"), permissions=("change",))
    def activate(self, request: HttpRequest, models: QuerySet[CatalogueModel]) -> None:
        """Let providers make plans from them."""
        self._switch(request, models, is_active=True)

    @admin.action(
        description=gettext_lazy("Stop offering the selected models"), permissions=("change",)
    )
    def deactivate(self, request: HttpRequest, models: QuerySet[CatalogueModel]) -> None:
        """Take them from the list; plans keep their price."""
        self._switch(request, models, is_active=False)

    def _switch(
        self, request: HttpRequest, models: QuerySet[CatalogueModel], *, is_active: bool
    ) -> None:
        for model in models:
            try:
                services.set_pricing_model_active(
                    model=model, is_active=is_active, actor=staff_actor(request)
                )
            except DomainError as error:
                self.message_user(request, str(error.detail), messages.ERROR)


@admin.register(CatalogueRevision)
class CatalogueRevisionAdmin(CataloguePage):
    """What the catalogue has been: compared with the one before, and restored."""

    list_display = ("number", "origin", "restored", "actor_label", "reason", "created_at")
    list_filter = ("origin",)
    list_select_related = ("restored",)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what a revision changed, and offer to go back to it."""
        revision = self.get_object(request, object_id)
        if revision is None:
            return HttpResponseRedirect(reverse(REVISIONS_PAGE))
        form = RollbackForm(request.POST or None)
        if request.method == "POST":
            self.require_operator(request)
            if form.is_valid():
                made = services.roll_back_catalogue(
                    revision=revision,
                    actor=staff_actor(request),
                    reason=form.cleaned_data["reason"],
                )
                text = _("The catalogue is what it was, as revision %(number)s.")
                messages.success(request, text % {"number": made.number})
                return HttpResponseRedirect(reverse(REVISIONS_PAGE))
        newest = CatalogueRevision.objects.values_list("number", flat=True).first()
        context = {
            "revision": revision,
            "is_newest": revision.number == newest,
            "changes": selectors.differences_of(revision),
            "form": form,
        }
        title = _("Revision %(number)s") % {"number": revision.number}
        return self.show(request, "pricing/backoffice/revision.html", title, context)


@admin.register(CatalogueLoad)
class CatalogueLoadAdmin(CataloguePage):
    """Attempts to load the files, and what came of each."""

    list_display = ("created_at", "trigger", "outcome", "revision", "actor_label")
    list_filter = ("outcome",)
    list_select_related = ("revision",)
    change_list_template = "pricing/backoffice/loads.html"

    def get_urls(self) -> list[URLPattern]:
        """Add what the button does."""
        reload = self.admin_site.admin_view(require_POST(self.reload))
        return [path("reload/", reload, name="pricing_catalogue_reload"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say what is in force, and offer to reload."""
        context = {
            "state": selectors.catalogue_state(),
            "can_change": self.has_change_permission(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the problems of one load."""
        load = self.get_object(request, object_id)
        if load is None:
            return HttpResponseRedirect(reverse(LOADS_PAGE))
        title = _("Catalogue load")
        return self.show(request, "pricing/backoffice/load.html", title, {"load": load})

    def reload(self, request: HttpRequest) -> HttpResponse:
        """Load the files now."""
        self.require_operator(request)
        try:
            load = services.load_catalogue(
                path=services.configured_path(), trigger="back office", actor=staff_actor(request)
            )
        except CatalogueInvalid as error:
            for problem in error.extra["errors"][:5]:
                text = _("Line %(line)s of %(file)s: %(detail)s")
                messages.error(request, text % problem)
        except DomainError as error:
            messages.error(request, str(error.detail))
        else:
            text = _("The files were loaded: %(outcome)s.")
            messages.success(request, text % {"outcome": load.get_outcome_display()})
        return HttpResponseRedirect(reverse(LOADS_PAGE))


def _model_page(model: CatalogueModel) -> str:
    return reverse("admin:pricing_cataloguemodel_change", args=[model.pk])
