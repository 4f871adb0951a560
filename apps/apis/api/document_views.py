"""The provider's OpenAPI documents and the versions that they describe."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import provider_selectors, services
from apps.apis.api import publishing_serializers as shapes
from apps.apis.api.provider_views import MANAGE, READ, ProviderApiViewBase
from apps.apis.api.uploads import require_small_body
from apps.apis.models import Api, ApiVersion
from apps.apis.openapi import MAX_DOCUMENT_BYTES
from apps.apis.outbound_limits import DOCUMENT_FETCHES
from apps.core.rate_limits import take_turn


class OpenApiImportView(ProviderApiViewBase):
    """Reads an OpenAPI document."""

    method_permissions = {"POST": MANAGE}
    parser_classes = (MultiPartParser, JSONParser)

    @extend_schema(
        request=shapes.OpenApiInput,
        responses={200: shapes.ImportOutput, 202: shapes.ImportOutput},
    )
    def post(self, request: Request, api_id: str) -> Response:
        """Read a file or an address; 400 with a JSON pointer for each thing that is wrong.

        200: it is in force, or was already. 202: it waits, with what it would change, to be applied or discarded; or
        (`is_waiting`) for an approver, because it breaks callers of a live API. Safe to repeat with an
        Idempotency-Key: the address is not asked again. 429 after ten addresses in a minute.
        """
        api = self.load(api_id)
        require_small_body(request, max_bytes=MAX_DOCUMENT_BYTES, field="file")
        given = self.validated(shapes.OpenApiInput)
        url = given.get("url", "")
        # One byte more than allowed is enough to know that a file is too large.
        read = [b"" if url else given["file"].read(MAX_DOCUMENT_BYTES + 1)]
        sent = f"{url}\n{self._wanted(given)}\n".encode() + read[0]

        def fetch() -> None:
            take_turn(DOCUMENT_FETCHES, request=request, actor=self.actor)
            read[:] = [services.fetch_openapi(url)]

        def take() -> tuple[int, object]:
            work = services.import_openapi if self._applies(api, given) else services.prepare_import
            return _outcome(work(api=api, content=read[0], actor=self.actor, source_url=url))

        return self.once(request, take, before=fetch if url else None, content=sent)

    def _wanted(self, given: dict[str, Any]) -> bool | None:
        wanted: bool | None = given["apply"]
        if wanted is None and "apply" in self.request.query_params:
            wanted = self.request.query_params["apply"] == "true"
        return wanted

    def _applies(self, api: Api, given: dict[str, Any]) -> bool:
        wanted = self._wanted(given)
        return not api.versions.exists() if wanted is None else wanted


def _outcome(done: services.ImportedDocument) -> tuple[int, object]:
    is_settled = done.is_unchanged or (done.row is not None and done.row.settled_at is not None)
    code = status.HTTP_200_OK if is_settled else status.HTTP_202_ACCEPTED
    return code, shapes.ImportOutput(done).data


class ImportsView(ProviderApiViewBase):
    """What was read for an API."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.OpenapiImportOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List it, newest first."""
        rows = provider_selectors.list_imports(self.load(api_id))
        return self.paginated(rows, shapes.OpenapiImportOutput)


class ImportView(ProviderApiViewBase):
    """One document that was read."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.OpenapiImportOutput)
    def get(self, _request: Request, api_id: str, import_id: str) -> Response:
        """Show what it changes."""
        row = provider_selectors.get_import(self.load(api_id), import_id)
        return Response(shapes.OpenapiImportOutput(row).data)


class ApplyImportView(ProviderApiViewBase):
    """Puts a document in force."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses={200: shapes.ImportOutput, 202: shapes.ImportOutput})
    def post(self, _request: Request, api_id: str, import_id: str) -> Response:
        """Apply; 202 where it breaks callers of a live API, so that an approver decides."""
        row = provider_selectors.get_import(self.load(api_id), import_id)
        code, body = _outcome(services.apply_import(row=row, actor=self.actor))
        return Response(body, status=code)


class DiscardImportView(ProviderApiViewBase):
    """Forgets a document."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.OpenapiImportOutput)
    def post(self, _request: Request, api_id: str, import_id: str) -> Response:
        """Discard; nothing changes."""
        row = provider_selectors.get_import(self.load(api_id), import_id)
        row = services.discard_import(row=row, actor=self.actor)
        return Response(shapes.OpenapiImportOutput(row).data)


class VersionsView(ProviderApiViewBase):
    """The versions of an API."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.VersionOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them, newest first."""
        rows = provider_selectors.list_versions(self.load(api_id))
        return self.paginated(rows, shapes.VersionOutput)

    @extend_schema(request=shapes.VersionInput, responses={201: shapes.VersionOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Prepare a version as a draft."""
        api = self.load(api_id)
        given = self.validated(shapes.VersionInput)
        return self.created(
            request,
            lambda: (
                shapes.VersionOutput(
                    services.create_version(api=api, actor=self.actor, **given)
                ).data
            ),
        )


class VersionViewBase(ProviderApiViewBase):
    """Base of the views of one version."""

    def load_version(self, api_id: str, version_id: str) -> ApiVersion:
        """Return the version if the caller's organization provides its API, else answer 404."""
        return provider_selectors.get_version(self.load(api_id), version_id)

    def show(self, api_id: str, version_id: str) -> Response:
        """Answer the version as it is now."""
        return Response(shapes.VersionOutput(self.load_version(api_id, version_id)).data)


class VersionView(VersionViewBase):
    """One version."""

    method_permissions = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=shapes.VersionOutput)
    def get(self, _request: Request, api_id: str, version_id: str) -> Response:
        """Show it."""
        return self.show(api_id, version_id)

    @extend_schema(request=shapes.VersionChangesInput, responses=shapes.VersionOutput)
    def patch(self, _request: Request, api_id: str, version_id: str) -> Response:
        """Write what changed in it."""
        version = self.load_version(api_id, version_id)
        given = self.validated(shapes.VersionChangesInput)
        services.describe_version(version=version, changelog=given["changelog"], actor=self.actor)
        return self.show(api_id, version_id)


class PublishVersionView(VersionViewBase):
    """Publishes a version."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.VersionOutput)
    def post(self, _request: Request, api_id: str, version_id: str) -> Response:
        """Let callers see it."""
        version = self.load_version(api_id, version_id)
        services.publish_version(version=version, actor=self.actor)
        return self.show(api_id, version_id)


class CurrentVersionView(VersionViewBase):
    """Makes a version the current one."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses={200: shapes.VersionOutput, 202: shapes.VersionOutput})
    def post(self, _request: Request, api_id: str, version_id: str) -> Response:
        """Show its endpoints and documentation from now on; 202 where an approver decides first."""
        version = self.load_version(api_id, version_id)
        version = services.make_version_current(version=version, actor=self.actor)
        code = status.HTTP_200_OK if version.is_current else status.HTTP_202_ACCEPTED
        return Response(shapes.VersionOutput(version).data, status=code)


class DeprecateVersionView(VersionViewBase):
    """Announces the end of a version."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.SunsetInput, responses=shapes.VersionOutput)
    def post(self, _request: Request, api_id: str, version_id: str) -> Response:
        """Deprecate with a date in the future; subscribers are told."""
        version = self.load_version(api_id, version_id)
        given = self.validated(shapes.SunsetInput)
        services.deprecate_version(version=version, sunset_at=given["sunset_at"], actor=self.actor)
        return self.show(api_id, version_id)


class RetireVersionView(VersionViewBase):
    """Ends a version."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.VersionOutput)
    def post(self, _request: Request, api_id: str, version_id: str) -> Response:
        """Retire a deprecated version that is not the current one."""
        version = self.load_version(api_id, version_id)
        services.retire_version(version=version, actor=self.actor)
        return self.show(api_id, version_id)
