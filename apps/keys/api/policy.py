"""What an organization wants done with leaked keys, and where its keys were found, over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core.api.views import ApiView
from apps.keys import selectors, services
from apps.keys.api import serializers as shapes
from apps.keys.enums import LeakPolicy


class KeyPolicyView(ApiView):
    """The organization's policy for leaked keys."""

    method_permissions = {"GET": "keys.read", "PATCH": "tokens.manage"}

    @extend_schema(responses=shapes.KeyPolicyOutput)
    def get(self, _request: Request) -> Response:
        """Show what is done with a key that is found in public: `revoke` unless somebody chose `notify`."""
        organization = get_current_organization(self.actor)
        policy = {"on_leak": selectors.leak_policy_of(organization.pk)}
        return Response(shapes.KeyPolicyOutput(policy).data)

    @extend_schema(request=shapes.KeyPolicyInput, responses=shapes.KeyPolicyOutput)
    def patch(self, _request: Request) -> Response:
        """Choose whether such a key is revoked at once, or its managers are only told."""
        values = self.validated(shapes.KeyPolicyInput)
        policy = services.change_leak_policy(
            organization=get_current_organization(self.actor),
            on_leak=LeakPolicy(values["on_leak"]),
            actor=self.actor,
        )
        return Response(shapes.KeyPolicyOutput(policy).data)


class KeyLeaksView(ApiView):
    """Keys that were found in public."""

    method_permissions = {"GET": "keys.read"}

    @extend_schema(responses=shapes.KeyLeakOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List where the organization's keys were found, newest first."""
        return self.paginated(selectors.list_leaks(self.actor), shapes.KeyLeakOutput)
