"""Who works in the back office."""

from __future__ import annotations

from django.http import HttpRequest

from apps.core.actors import Actor


def staff_actor(request: HttpRequest) -> Actor:
    """Return who works in the back office; `ActorMiddleware` put the actor on the request."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by ActorMiddleware
    return actor
