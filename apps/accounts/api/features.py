"""Guards of REST handlers: what the organization's plan must include."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from rest_framework.request import Request

from apps.accounts.enums import PlatformFeature
from apps.accounts.platform_plans.gates import require_feature
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound

V = TypeVar("V", bound=ApiView)
P = ParamSpec("P")
R = TypeVar("R")
Handler = Callable[Concatenate[V, Request, P], R]


def requires_feature(feature: PlatformFeature) -> Callable[[Handler[V, P, R]], Handler[V, P, R]]:
    """Answer 402 before anything is read or fetched, where the caller's organization lacks the feature.

    Stands below `@extend_schema`. Services that must hold for pages, too, ask `require_feature` themselves.
    """

    def decorate(handler: Handler[V, P, R]) -> Handler[V, P, R]:
        @wraps(handler)
        def guarded(view: V, request: Request, *args: P.args, **kwargs: P.kwargs) -> R:
            if view.actor.organization_id is None:
                raise NotFound
            require_feature(view.actor.organization_id, feature)
            return handler(view, request, *args, **kwargs)

        return cast("Handler[V, P, R]", guarded)

    return decorate
