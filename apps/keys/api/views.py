"""Keys over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.keys import constants, selectors, services
from apps.keys.api import serializers as shapes
from apps.keys.api.terms import terms_among
from apps.keys.models import ApiKey
from apps.keys.proof import wait_for_proof
from apps.keys.services import IssuedKey
from apps.subscriptions.selectors import get_subscription

READ = "keys.read"
MANAGE = "keys.manage"


class KeyViewBase(ApiView):
    """Base of the views of one key."""

    def load(self, key_id: str) -> ApiKey:
        """Return the key if it is the caller's organization's, else answer 404."""
        return selectors.get_key(self.actor, key_id)

    def answer(self, key_id: str) -> Response:
        """Answer the key as it is now."""
        return Response(shapes.KeyOutput(self.load(key_id)).data)

    def issued(self, request: Request, issue: Callable[[], IssuedKey]) -> Response:
        """Issue a key once per Idempotency-Key, and show its secret in this answer only.

        The stored answer holds no secret: a replay shows the key without it.
        """
        made: list[IssuedKey] = []

        def work() -> tuple[int, Any]:
            made.append(issue())
            key = selectors.get_key(self.actor, made[0].key.public_id)
            return status.HTTP_201_CREATED, shapes.KeyOutput(key).data

        response = self.once(request, work)
        response.data = {**response.data, "secret": made[0].secret if made else None}
        response.headers["Cache-Control"] = "no-store"
        return response


class KeysView(KeyViewBase):
    """The keys of the caller's organization."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.KeyOutput(many=True))
    def get(self, request: Request) -> Response:
        """List them, newest first; `?subscription=sub_…` keeps those of one subscription."""
        subscription_id = request.query_params.get("subscription")
        subscription = get_subscription(self.actor, subscription_id) if subscription_id else None
        rows = selectors.list_keys(self.actor, subscription=subscription)
        return self.paginated(rows, shapes.KeyOutput)

    @extend_schema(request=shapes.KeyInput, responses={201: shapes.IssuedKeyOutput})
    def post(self, request: Request) -> Response:
        """Issue a key. `secret` is in this answer only; it is active once every authorizer knows it."""
        values = self.validated(shapes.KeyInput)
        subscription = get_subscription(self.actor, values.pop("subscription"))
        terms = shapes.key_terms_of(values)
        return self.issued(
            request,
            lambda: services.create_key(subscription=subscription, terms=terms, actor=self.actor),
        )


class KeyView(KeyViewBase):
    """One key."""

    method_permissions = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=shapes.KeyOutput)
    def get(self, _request: Request, key_id: str) -> Response:
        """Show it, without its secret."""
        return self.answer(key_id)

    @extend_schema(request=shapes.KeyChangesInput, responses=shapes.KeyOutput)
    def patch(self, _request: Request, key_id: str) -> Response:
        """Change its name, its terms, its automatic rotation or its renewal: all that is sent, or nothing."""
        values = self.validated(shapes.KeyChangesInput)
        key = self.load(key_id)
        with transaction.atomic():
            if "name" in values:
                services.rename_key(key=key, name=values["name"], actor=self.actor)
            terms: Any = terms_among(values)
            if terms:
                key = services.change_key_terms(key=key, changes=terms, actor=self.actor)
            if {"rotation_days", "auto_renew"} & values.keys():
                life = services.KeyLife(
                    rotation_days=values.get("rotation_days", key.rotation_days),
                    auto_renew=values.get("auto_renew", key.auto_renew),
                )
                services.change_key_life(key=key, life=life, actor=self.actor)
        return self.answer(key_id)


class RevealKeyView(KeyViewBase):
    """Shows the key that a job made."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.RevealedKeyOutput)
    def post(self, _request: Request, key_id: str) -> Response:
        """Show the text of a key that automatic rotation made, this once; from then on the answer is 410."""
        key = self.load(key_id)
        secret = services.reveal_key(key=key, actor=self.actor)
        body = {"id": key.public_id, "secret": secret}
        return Response(body, headers={"Cache-Control": "no-store"})


class RotateKeyView(KeyViewBase):
    """Replaces a key."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.RotateInput, responses={201: shapes.IssuedKeyOutput})
    def post(self, request: Request, key_id: str) -> Response:
        """Issue a successor; the old key stays valid for the grace."""
        grace = timedelta(hours=self.validated(shapes.RotateInput)["grace_hours"])
        key = self.load(key_id)
        return self.issued(
            request, lambda: services.rotate_key(key=key, grace=grace, actor=self.actor)
        )


class SuspendKeyView(KeyViewBase):
    """Stops a key."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.KeyReasonInput, responses=shapes.KeyOutput)
    def post(self, _request: Request, key_id: str) -> Response:
        """Let it be refused until it is resumed."""
        values = self.validated(shapes.KeyReasonInput)
        services.suspend_key(key=self.load(key_id), actor=self.actor, **values)
        return self.answer(key_id)


class ResumeKeyView(KeyViewBase):
    """Lets a suspended key work again."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.KeyOutput)
    def post(self, _request: Request, key_id: str) -> Response:
        """Resume it."""
        services.resume_key(key=self.load(key_id), actor=self.actor)
        return self.answer(key_id)


class RetryKeyView(KeyViewBase):
    """Brings a key to the gateway again."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses={202: shapes.KeyOutput})
    def post(self, _request: Request, key_id: str) -> Response:
        """Try again at once what failed to sync; the key becomes active with the gateway's proof."""
        services.retry_key_sync(key=self.load(key_id), actor=self.actor)
        body = shapes.KeyOutput(self.load(key_id)).data
        return Response(body, status=status.HTTP_202_ACCEPTED)


class RevokeKeyView(KeyViewBase):
    """Revokes a key."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(
        request=shapes.KeyReasonInput,
        responses={200: shapes.RevokedKeyOutput, 202: shapes.RevokedKeyOutput},
    )
    def post(self, _request: Request, key_id: str) -> Response:
        """End it for good. 200: no authorizer serves it any more. 202: revoked, its proof is on the way."""
        values = self.validated(shapes.KeyReasonInput)
        key = services.revoke_key(key=self.load(key_id), actor=self.actor, **values)
        is_proven = wait_for_proof(key.pk, timeout_s=constants.REVOCATION_PROOF_WAIT_S)
        body = dict(shapes.RevokedKeyOutput(self.load(key_id)).data)
        if is_proven:
            return Response(body)
        return Response({**body, "status": "revoking"}, status=status.HTTP_202_ACCEPTED)


class KeyEventsView(KeyViewBase):
    """What was done with a key."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.KeyEventOutput(many=True))
    def get(self, _request: Request, key_id: str) -> Response:
        """List the trail, newest first."""
        return self.paginated(selectors.audit_trail_of(self.load(key_id)), shapes.KeyEventOutput)
