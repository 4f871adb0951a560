"""Puts the actor on every portal request, and notes now and then that a session is in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from apps.accounts.actors import actor_for_user
from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.client_address import client_address

SESSION_ORGANIZATION = "organization_id"
SESSION_WORKSPACE = "workspace_id"


SESSION_NOTED_EVERY_S: Final = 60


class SessionActivityMiddleware:
    """Notes where and when a session was last used, once a minute rather than at every request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note the session if it is time, then serve the request."""
        key = request.session.session_key
        if key and request.user.is_authenticated:
            # Beside the sessions: while Valkey is away nothing is due, and the request is served.
            marks = caches[settings.SESSION_CACHE_ALIAS]
            if marks.add(f"session-noted:{key}", 1, SESSION_NOTED_EVERY_S):
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


class ActorMiddleware:
    """Adds `request.actor`, computed on first use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request."""
        request.actor = SimpleLazyObject(lambda: _actor_of(request))  # type: ignore[attr-defined]  # ours
        return self.get_response(request)


def _actor_of(request: HttpRequest) -> Actor:
    ip = client_address(request)
    user_agent = request.headers.get("User-Agent", "")
    if not isinstance(request.user, User) or not request.user.is_authenticated:
        return Actor.anonymous(ip=ip, user_agent=user_agent)
    return actor_for_user(
        request.user,
        organization_id=request.session.get(SESSION_ORGANIZATION),
        workspace_id=request.session.get(SESSION_WORKSPACE),
        ip=ip,
        user_agent=user_agent,
    )
