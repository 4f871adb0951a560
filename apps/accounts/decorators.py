"""Guards of portal pages: who may open them, and where the others are sent.

Every portal view carries one of these guards or stands in the list of public pages that
`tests/architecture/test_guards.py` keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, NotFound

CREATE_ORGANIZATION_ROUTE = "accounts:create_organization"


class ConsoleRequest(HttpRequest):
    """A request that passed a guard: its person and its actor are known. For annotations only."""

    actor: Actor
    user: User


class View(Protocol):
    """A view function; a bound method of a class-based view fits too."""

    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the request."""


V = TypeVar("V", bound=View)


def console_page(permission: str = "", *, needs_organization: bool = True) -> Callable[[V], V]:
    """Open a page to signed-in members who hold the permission (empty: every member).

    Strangers are sent to the login, people without an organization to the page that makes one; a member
    whose role is not enough gets the 403 page. On classes: `@method_decorator(console_page(…), name="dispatch")`.
    """

    def decorate(view: V) -> V:
        @wraps(view)
        def guarded(request: ConsoleRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.actor.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if needs_organization and request.actor.organization_id is None:
                return redirect(CREATE_ORGANIZATION_ROUTE)
            if permission and not request.actor.can(permission):
                raise Forbidden(required=permission)
            return cast("HttpResponse", view(request, *args, **kwargs))

        guarded.page_guard = permission or "member"  # type: ignore[attr-defined]  # read by tests
        return cast("V", guarded)

    return decorate


def staff_page(*roles: str) -> Callable[[V], V]:
    """Open a page to people of the operator with one of the roles (none named: any of them).

    To everybody else who is signed in the page does not exist.
    """

    def decorate(view: V) -> V:
        @wraps(view)
        def guarded(request: ConsoleRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.actor.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not request.actor.is_staff:
                raise NotFound
            if roles and not request.actor.has_staff_role(*roles):
                raise Forbidden(required=f"staff:{','.join(roles)}")
            return cast("HttpResponse", view(request, *args, **kwargs))

        guarded.page_guard = f"staff:{','.join(roles)}"  # type: ignore[attr-defined]  # read by tests
        return cast("V", guarded)

    return decorate
