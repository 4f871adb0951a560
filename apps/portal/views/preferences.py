"""Switches of the frame: language, theme, and the organization and workspace one works in.

Each is a form that posts and comes back, so that it works without scripts. The language is Django's own
`set_language`, kept in a cookie for everybody, signed in or not.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.accounts.middleware import SESSION_ORGANIZATION, SESSION_WORKSPACE
from apps.accounts.models import Organization, Workspace
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.portal.navigation import Shell
from apps.portal.preferences import THEME_COOKIE, THEME_COOKIE_AGE_S, Theme


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie; `system` forgets the choice."""
    response = HttpResponseRedirect(_way_back(request))
    theme = Theme.parse(request.POST.get("theme", ""))
    if theme is Theme.SYSTEM:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    else:
        response.set_cookie(
            THEME_COOKIE,
            theme.value,
            max_age=THEME_COOKIE_AGE_S,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


@login_required
@require_POST
def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Work in another organization, or in another workspace of the current one.

    Raises:
        Http404: The visitor does not belong there; whether it exists is not said.
    """
    shell = Shell(request, request.actor)  # type: ignore[attr-defined]  # set by ActorMiddleware
    if wanted := request.POST.get("workspace", ""):
        workspace_id = _id_of(Workspace, wanted)
        _require(workspace_id in {item.pk for item in shell.workspaces})
        request.session[SESSION_WORKSPACE] = str(workspace_id)
    else:
        organization_id = _id_of(Organization, request.POST.get("organization", ""))
        _require(organization_id in {item.pk for item in shell.organizations})
        request.session[SESSION_ORGANIZATION] = str(organization_id)
        request.session.pop(SESSION_WORKSPACE, None)
    # The page that was open may not exist in the other tenant.
    return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)


def _id_of(model: type[Organization | Workspace], public_id: str) -> UUID:
    try:
        return parse_public_id(model.id_prefix, public_id)
    except InvalidPublicIdError as error:
        raise Http404 from error


def _require(is_member: bool) -> None:  # noqa: FBT001 -- a condition to assert
    if not is_member:
        raise Http404


def _way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"
