"""Fixed terms over REST: what follows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.subscriptions import services
from apps.subscriptions.api.serializers import SubscriptionDetailOutput
from apps.subscriptions.api.views import MANAGE, SubscriptionViewBase


class AutoRenewInput(serializers.Serializer[Any]):
    """Whether another term follows the fixed one."""

    auto_renew = serializers.BooleanField()


class AutoRenewView(SubscriptionViewBase):
    """Chooses what follows a fixed term."""

    method_permissions = {"PUT": MANAGE}

    @extend_schema(request=AutoRenewInput, responses=SubscriptionDetailOutput)
    def put(self, _request: Request, subscription_id: str) -> Response:
        """Let another term follow, or the subscription end; 409 `renewal_fixed` where its plan leaves no choice."""
        services.set_auto_renew(
            subscription=self.load(subscription_id),
            actor=self.actor,
            **self.validated(AutoRenewInput),
        )
        return self.answer(subscription_id)
