"""Domains of a provider's own that lead to an API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import provider_selectors, services
from apps.apis.api.provider_views import MANAGE, READ, ProviderApiViewBase
from apps.apis.models import ApiDomain
from apps.apis.outbound_limits import DOMAIN_CHECKS
from apps.core.addresses import MAX_NAME_CHARS
from apps.core.api.pagination import WholeList
from apps.core.rate_limits import take_turn


class DomainOutput(serializers.ModelSerializer[ApiDomain]):
    """A domain; a TXT record `record_name` with the text `record_value` proves that it is the provider's."""

    id = serializers.CharField(source="public_id", read_only=True)
    record_name = serializers.CharField(read_only=True)
    record_value = serializers.CharField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApiDomain
        fields = (
            "id",
            "hostname",
            "status",
            "record_name",
            "record_value",
            "last_error",
            "checked_at",
            "verified_at",
            "created_at",
        )
        read_only_fields = fields


class DomainInput(serializers.Serializer[dict[str, Any]]):
    """A host name such as `api.example.com`."""

    hostname = serializers.CharField(max_length=MAX_NAME_CHARS)


class DomainsView(ProviderApiViewBase):
    """The domains of an API."""

    paginator_class = WholeList
    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=DomainOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them by name."""
        return self.paginated(provider_selectors.list_domains(self.load(api_id)), DomainOutput)

    @extend_schema(request=DomainInput, responses={201: DomainOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Claim one; calls come by it once its TXT record is seen."""
        api = self.load(api_id)
        hostname = self.validated(DomainInput)["hostname"]
        return self.created(
            request,
            lambda: (
                DomainOutput(services.add_domain(api=api, hostname=hostname, actor=self.actor)).data
            ),
        )


class DomainView(ProviderApiViewBase):
    """One domain of an API."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, api_id: str, domain_id: str) -> Response:
        """Give it up; calls for it no longer reach the API."""
        domain = provider_selectors.get_domain(self.load(api_id), domain_id)
        services.remove_domain(domain=domain, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerifyDomainView(ProviderApiViewBase):
    """Looks for the record that proves a domain."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=DomainOutput)
    def post(self, request: Request, api_id: str, domain_id: str) -> Response:
        """Look now; `last_error` says what is missing. 429 after ten in a minute."""
        domain = provider_selectors.get_domain(self.load(api_id), domain_id)
        take_turn(DOMAIN_CHECKS, request=request, actor=self.actor)
        return Response(DomainOutput(services.verify_domain(domain=domain, actor=self.actor)).data)
