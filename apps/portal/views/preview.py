"""A listing as its consumers will see it, for the back office before it is live."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.decorators import ConsoleRequest, staff_page
from apps.portal.views.api_pages import api_page


@staff_page("approver", "operator")
@require_safe
def api_preview(request: ConsoleRequest, slug: str) -> HttpResponse:
    """Show the catalogue's own page of any API, whatever its state."""
    if not admin.site.has_permission(request):
        return admin.site.login(request)
    messages.info(
        request, _("This is a preview: consumers see the page like this when the API is live.")
    )
    request.actor = request.actor.as_platform()
    return api_page(request, slug)
