"""Asking to be a verified provider, and where the request stands."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.apis.services.verification import ProviderDetails, request_verification
from apps.apis.verification import VerificationState, verification_of
from apps.approvals.models import ApprovalRequest
from apps.core.api.views import ApiView


class VerificationInput(serializers.Serializer[Any]):
    """Who the provider is; `registration_number` may be left out."""

    legal_name = serializers.CharField(max_length=200)
    website = serializers.URLField(max_length=300)
    registration_number = serializers.CharField(
        max_length=80, required=False, allow_blank=True, default=""
    )
    contact_name = serializers.CharField(max_length=150)
    contact_email = serializers.EmailField(max_length=254)
    statement = serializers.CharField(max_length=4000)


class VerificationRequestOutput(serializers.ModelSerializer[ApprovalRequest]):
    """The newest request; answer, comment and withdraw it below `/approvals/{id}`."""

    id = serializers.CharField(source="public_id", read_only=True)
    requested_at = serializers.DateTimeField(source="created_at", read_only=True)
    details = serializers.DictField(child=serializers.CharField(), read_only=True)
    conditions = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApprovalRequest
        fields = (
            "id", "status", "requested_at", "due_at", "decided_at", "decision_comment", "conditions", "details",
        )  # fmt: skip
        read_only_fields = fields


class VerificationOutput(serializers.Serializer[VerificationState]):
    """`stage`: none, waiting, asked (an approver wants to know more), verified, rejected, withdrawn."""

    stage = serializers.ChoiceField(
        choices=("none", "waiting", "asked", "verified", "rejected", "withdrawn")
    )
    is_verified_provider = serializers.SerializerMethodField()
    may_ask = serializers.BooleanField()
    request = VerificationRequestOutput(allow_null=True)

    @extend_schema_field({"type": "boolean"})
    def get_is_verified_provider(self, state: VerificationState) -> bool:
        """Return whether the provider is verified now."""
        return state.stage == "verified"


class VerificationView(ApiView):
    """The verification of the caller's organization as a provider."""

    method_permissions = {"GET": "organization.read", "POST": "organization.manage"}

    @extend_schema(responses=VerificationOutput)
    def get(self, _request: Request) -> Response:
        """Show where it stands."""
        return Response(self._state())

    @extend_schema(request=VerificationInput, responses={201: VerificationOutput})
    def post(self, request: Request) -> Response:
        """Ask to be verified; 409 while a request waits, and for who is verified already."""
        details = ProviderDetails(**self.validated(VerificationInput))
        organization = get_current_organization(self.actor)

        def make() -> Any:
            request_verification(organization=organization, details=details, actor=self.actor)
            return self._state()

        return self.created(request, make)

    def _state(self) -> Any:
        return VerificationOutput(verification_of(get_current_organization(self.actor))).data
