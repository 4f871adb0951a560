"""Bases of the back office's pages.

Who may see and who may change is said by roles, not by Django's per-model permissions: a class names them in
`view_roles` and `change_roles`. Changes happen through services: as actions, or as forms whose `save_model`
calls one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from apps.core.backoffice import staff_actor

__all__ = ("BackOfficeAdmin", "ReadOnlyAdmin", "ReasonForm", "staff_actor")

EVERY_STAFF_ROLE = ("approver", "operator", "finance")


class BackOfficeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Open to `view_roles`; nothing is added or deleted by hand, changes need `change_roles`."""

    view_roles: ClassVar[tuple[str, ...]] = EVERY_STAFF_ROLE
    change_roles: ClassVar[tuple[str, ...]] = ()
    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is listed for this person."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this person may look."""
        return staff_actor(request).has_staff_role(*self.view_roles, *self.change_roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this person may change what the form offers and run the actions."""
        return bool(self.change_roles) and staff_actor(request).has_staff_role(*self.change_roles)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows come from services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows end by their state machine."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Name the page by what it lists: nobody selects a row here to change it."""
        title = capfirst(str(self.model._meta.verbose_name_plural))
        context = {"title": title, **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response


class ReadOnlyAdmin(BackOfficeAdmin):
    """A page that shows and changes nothing; actions, if any, call services and need `change_roles`."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field that is shown."""
        hidden = self.exclude or ()
        return [field.name for field in self.model._meta.fields if field.name not in hidden]


class ReasonForm(ActionForm):
    """An action with the reason for it."""

    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
