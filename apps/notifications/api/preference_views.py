"""What the signed-in person wants by e-mail."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.api.permissions import AUTHENTICATED
from apps.core.api.views import ApiView
from apps.core.exceptions import Forbidden
from apps.notifications.selectors.preferences import list_mail_choices
from apps.notifications.services.preferences import set_mail_choices


class MailChoiceOutput(serializers.Serializer[Any]):
    """A group of messages and whether it comes by e-mail."""

    group = serializers.CharField()
    name = serializers.CharField(source="label")
    about = serializers.CharField(source="explanation")
    wants_mail = serializers.BooleanField()
    has_mandatory = serializers.BooleanField()
    can_switch_off = serializers.BooleanField()


class MailChoicesOutput(serializers.Serializer[Any]):
    """Every group of which mails are sent."""

    data = MailChoiceOutput(many=True)  # type: ignore[assignment]  # a field of the answer


class MailChoicesInput(serializers.Serializer[Any]):
    """Groups to switch on or off, for example `{"groups": {"billing": false}}`."""

    groups = serializers.DictField(child=serializers.BooleanField())


class PreferencesView(ApiView):
    """Which messages the signed-in person gets by e-mail too."""

    method_permissions = {"GET": AUTHENTICATED, "PATCH": AUTHENTICATED}

    @extend_schema(responses=MailChoicesOutput)
    def get(self, _request: Request) -> Response:
        """List the groups; programs have none."""
        return self._answer()

    @extend_schema(request=MailChoicesInput, responses=MailChoicesOutput)
    def patch(self, request: Request) -> Response:
        """Switch groups on or off; those left out stay as they are."""
        if self.actor.user_id is None:
            raise Forbidden
        choices = self.validated(MailChoicesInput)["groups"]
        set_mail_choices(user=cast("User", request.user), choices=choices, actor=self.actor)
        return self._answer()

    def _answer(self) -> Response:
        choices = list_mail_choices(self.actor)
        return Response({"data": MailChoiceOutput(choices, many=True).data})
