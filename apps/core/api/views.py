"""The base of every REST view: the actor, declared permissions, idempotent writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.actors import Actor
from apps.core.api.pagination import CursorPagination
from apps.core.api.permissions import STAFF_PREFIX, MethodPermissions, actor_of
from apps.core.api.rate_limits import require_turn
from apps.core.idempotency import find_answer, fingerprint_of, run_once

IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"


class ApiView(APIView):
    """A view with an actor. Subclasses declare `method_permissions = {"GET": "keys.read", …}`."""

    method_permissions: ClassVar[MethodPermissions]
    # Each call is counted here, and by no middleware.
    takes_turns: ClassVar[bool] = True
    paginator_class: ClassVar[type[CursorPagination]] = CursorPagination

    @property
    def actor(self) -> Actor:
        """Who calls; on an endpoint of the back office, acting for the platform."""
        actor = actor_of(self.request)
        declared = self.method_permissions.get(self.request.method or "", "")
        return actor.as_platform() if declared.startswith(STAFF_PREFIX) else actor

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, and count the call; a refused credential counts by its address.

        Raises:
            APIException: the credential was refused.
            ApiRateLimitExceeded: the caller's calls are used up for now.
        """
        plain = request._request  # noqa: SLF001 -- DRF's only way to the request
        try:
            super().perform_authentication(request)
        except APIException:
            require_turn(plain, Actor.anonymous())
            raise
        require_turn(plain, actor_of(request))

    def validated(self, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the request's body as the serializer understands it, or answer 400 per field."""
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def paginated(
        self, rows: Iterable[Any], serializer_class: type[serializers.BaseSerializer[Any]]
    ) -> Response:
        """Answer one page of rows, newest first, with cursors to its neighbours; all of a `WholeList`."""
        paginator = self.paginator_class()
        page: Any = paginator.paginate_queryset(rows, self.request, view=self)  # type: ignore[arg-type]  # a `WholeList` takes any rows
        context = {"request": self.request, "actor": self.actor}
        data = serializer_class(page, many=True, context=context).data
        return paginator.get_paginated_response(data)

    @property
    def idempotency_scope(self) -> str:
        """Within what a key is unique: the tenant, else the person."""
        return str(self.actor.organization_id or self.actor.user_id or "anonymous")

    def once(
        self,
        request: Request,
        work: Callable[[], tuple[int, Any]],
        *,
        before: Callable[[], object] | None = None,
        content: bytes | None = None,
    ) -> Response:
        """Do a write once per Idempotency-Key; without the header, just do it.

        `work` returns the status and the JSON body. `before` is what talks to the network: it runs outside the
        transaction, and not at all for a replay. `content` stands for the body where that is multipart, whose bytes
        differ each time it is sent. A replay carries `Idempotent-Replayed: true`.
        """
        key = request.headers.get(IDEMPOTENCY_HEADER)
        if key is None:
            if before is not None:
                before()
            code, body = work()
            return Response(body, status=code)
        sent = request.body if content is None else content
        fingerprint = fingerprint_of(request.method or "", request.path, sent)
        claim = {"scope": self.idempotency_scope, "key": key, "fingerprint": fingerprint}
        answer = find_answer(**claim) if before is not None else None
        if answer is None:
            if before is not None:
                before()
            answer = run_once(**claim, work=work)
        headers = {REPLAYED_HEADER: "true"} if answer.is_replay else None
        return Response(answer.body, status=answer.status, headers=headers)

    def created(self, request: Request, make: Callable[[], Any]) -> Response:
        """Create something once per Idempotency-Key; `make` returns the JSON body of the 201."""
        return self.once(request, lambda: (status.HTTP_201_CREATED, make()))
