"""Bearer credentials that were seen a moment ago, for endpoints that programs ask many times a second.

Who a credential belongs to takes several queries to find out. These endpoints keep the answer in the cache for one
second: a token that was revoked, or a member who was removed, reads them for at most that long.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.api.authentication import (
    ORGANIZATION_HEADER,
    JWTAuthentication,
    ServiceTokenAuthentication,
    bearer_of,
)
from apps.accounts.credentials import digest_of
from apps.core.actors import Actor
from apps.core.client_address import client_address

REMEMBERED_S: Final = 1


class RememberedAuthentication(BaseAuthentication):
    """Service tokens and JWTs, asked of PostgreSQL at most once a second each.

    A remembered actor comes without its `User`.
    """

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        """Return the actor of the credential, or refuse it as the classes do that it stands for."""
        credential = bearer_of(request)
        if credential is None:
            return None
        named = request.headers.get(ORGANIZATION_HEADER, "")
        key = f"actor:{digest_of(credential)}:{digest_of(named)}"
        kept = None
        with suppress(
            RedisError, ConnectionInterrupted
        ):  # without the cache everybody is asked for
            kept = cache.get(key)
        if isinstance(kept, Actor):
            return None, replace(
                kept,
                ip=client_address(request._request),  # noqa: SLF001 -- DRF offers no other way
                user_agent=request.headers.get("User-Agent", ""),
            )
        found = ServiceTokenAuthentication().authenticate(request)
        found = found or JWTAuthentication().authenticate(request)
        if found is not None:
            with suppress(RedisError, ConnectionInterrupted):
                cache.set(key, found[1], timeout=REMEMBERED_S)
        return found

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'
