"""The provider's side: drafts, documents, secrets, submission, and where an API stands."""

from __future__ import annotations

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.apis import selectors, services
from apps.apis.api import serializers as shapes
from apps.apis.constants import APPROVAL_SUBJECT
from apps.apis.models import Api
from apps.apis.openapi import MAX_DOCUMENT_BYTES
from apps.apis.requirements import requirements_of
from apps.approvals.selectors import find_open_request
from apps.core.api.views import ApiView

READ = "apis.read"
MANAGE = "apis.manage"


class ProviderApisView(ApiView):
    """The APIs that the caller's organization provides."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.ProviderApiOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        rows = selectors.list_own_apis(self.actor).select_related("organization")
        return self.paginated(rows, shapes.ProviderApiOutput)

    @extend_schema(request=shapes.ApiInput, responses={201: shapes.ProviderApiOutput})
    def post(self, request: Request) -> Response:
        """Make a draft; safe to repeat with an Idempotency-Key."""
        fields = cast("services.ListingFields", self.validated(shapes.ApiInput))
        organization = get_current_organization(self.actor)
        return self.created(
            request,
            lambda: (
                shapes.ProviderApiOutput(
                    services.create_api(organization=organization, fields=fields, actor=self.actor)
                ).data
            ),
        )


class ProviderApiViewBase(ApiView):
    """Base of the views of one API."""

    def load(self, api_id: str) -> Api:
        """Return the API if the caller's organization provides it, else answer 404."""
        return selectors.get_own_api(self.actor, api_id)


class ProviderApiView(ProviderApiViewBase):
    """One API of the caller's organization."""

    method_permissions = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=shapes.ProviderApiOutput)
    def get(self, _request: Request, api_id: str) -> Response:
        """Show it."""
        return Response(shapes.ProviderApiOutput(self.load(api_id)).data)

    @extend_schema(request=shapes.ApiChangesInput, responses=shapes.ProviderApiOutput)
    def patch(self, _request: Request, api_id: str) -> Response:
        """Change some fields; 409 while it is being reviewed."""
        api = self.load(api_id)
        fields = cast("services.ListingFields", self.validated(shapes.ApiChangesInput))
        services.update_api(api=api, fields=fields, actor=self.actor)
        return Response(shapes.ProviderApiOutput(self.load(api_id)).data)


class OpenApiImportView(ProviderApiViewBase):
    """Imports an OpenAPI document."""

    method_permissions = {"POST": MANAGE}
    parser_classes = (MultiPartParser, JSONParser)

    @extend_schema(request=shapes.OpenApiInput, responses=shapes.ImportOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Import from a file or an address; 400 with a JSON pointer for each thing that is wrong."""
        api = self.load(api_id)
        given = self.validated(shapes.OpenApiInput)
        url = given.get("url", "")
        # One byte more than allowed is enough to know that a file is too large.
        content = services.fetch_openapi(url) if url else given["file"].read(MAX_DOCUMENT_BYTES + 1)
        done = services.import_openapi(api=api, content=content, actor=self.actor, source_url=url)
        return Response(shapes.ImportOutput(done).data)


class UpstreamCheckView(ProviderApiViewBase):
    """Asks the upstream whether it is there."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.HealthCheckOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List past checks, newest first."""
        return self.paginated(self.load(api_id).health_checks.all(), shapes.HealthCheckOutput)

    @extend_schema(request=None, responses=shapes.HealthCheckOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Check now: name, connection, TLS, status, latency."""
        check = services.check_upstream(api=self.load(api_id))
        return Response(shapes.HealthCheckOutput(check).data)


class SubmitView(ProviderApiViewBase):
    """Submits an API."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses={202: shapes.ProviderApiOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Check the upstream, then ask to publish; safe to repeat with an Idempotency-Key."""
        api = self.load(api_id)
        # Before the transaction that the idempotency key opens: it talks to the network.
        services.check_upstream(api=api)

        def submit() -> tuple[int, object]:
            services.submit_api(api=api, actor=self.actor)
            return status.HTTP_202_ACCEPTED, shapes.ProviderApiOutput(self.load(api_id)).data

        return self.once(request, submit)


class StatusView(ProviderApiViewBase):
    """Where an API stands."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.ApiStatusOutput)
    def get(self, _request: Request, api_id: str) -> Response:
        """Show the status with every earlier one, what is missing, and the open approval request."""
        api = self.load(api_id)
        request = find_open_request(APPROVAL_SUBJECT, api.pk)
        body = {
            "status": api.status,
            "reason": api.status_reason,
            "history": api.status_changes.all(),
            "requirements": requirements_of(api),
            "approval_id": request.public_id if request else None,
            "upstream_check": selectors.find_latest_check(api),
        }
        return Response(shapes.ApiStatusOutput(body).data)


class RetryView(ProviderApiViewBase):
    """Registers a failed API again."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses={202: shapes.ProviderApiOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Try the gateway again."""
        api = self.load(api_id)

        def retry() -> tuple[int, object]:
            services.retry_registration(api=api, actor=self.actor)
            return status.HTTP_202_ACCEPTED, shapes.ProviderApiOutput(self.load(api_id)).data

        return self.once(request, retry)


class SuspendView(ProviderApiViewBase):
    """Stops an API's calls."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.ReasonInput, responses=shapes.ProviderApiOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Suspend; subscribers get 503 until it is resumed."""
        api = self.load(api_id)
        reason = self.validated(shapes.ReasonInput)["reason"]
        services.suspend_api(api=api, actor=self.actor, reason=reason)
        return Response(shapes.ProviderApiOutput(self.load(api_id)).data)


class ResumeView(ProviderApiViewBase):
    """Lets an API's calls pass again."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.ProviderApiOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Resume; 409 where the operator suspended it."""
        services.resume_api(api=self.load(api_id), actor=self.actor)
        return Response(shapes.ProviderApiOutput(self.load(api_id)).data)


class SecretsView(ProviderApiViewBase):
    """Headers that the gateway adds for the upstream."""

    paginator_class = None  # a short list, answered whole
    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.SecretOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List their names; values are never shown."""
        rows = self.load(api_id).upstream_secrets.order_by("header_name")
        return Response(shapes.SecretOutput(rows, many=True).data)

    @extend_schema(request=shapes.SecretInput, responses={201: shapes.SecretOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Set a header's value, replacing an older one."""
        api = self.load(api_id)
        given = self.validated(shapes.SecretInput)
        return self.created(
            request,
            lambda: (
                shapes.SecretOutput(
                    services.set_upstream_secret(api=api, actor=self.actor, **given)
                ).data
            ),
        )


class SecretView(ProviderApiViewBase):
    """One header."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, api_id: str, secret_id: str) -> Response:
        """Forget it."""
        secret = selectors.get_own_secret(self.actor, self.load(api_id), secret_id)
        services.delete_upstream_secret(secret=secret, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
