"""Exports over REST: ask for a file, follow it, fetch it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.permissions import MethodPermissions
from apps.core.api.views import ApiView
from apps.usage import selectors
from apps.usage.api.export_serializers import ExportInput, ExportOutput, OperatorExportInput
from apps.usage.enums import ExportSide
from apps.usage.export_files import file_response
from apps.usage.services import ExportWish, cancel_export, request_export

READ = "usage.read"
OPERATOR = "staff:operator"
FILE = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


def _wish(data: dict[str, Any]) -> ExportWish:
    return ExportWish(
        side=data.get("side", ExportSide.OPERATOR),
        subject=data["subject"],
        file_format=data["format"],
        period=data.get("period", ""),
        first_day=data.get("from", ""),
        last_day=data.get("to", ""),
        by_day=data["step"] == "day",
        filters=dict(data.get("filters", {})),
    )


class ExportsView(ApiView):
    """The organization's exports."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": READ, "POST": READ}
    input_class: ClassVar[type[serializers.Serializer[Any]]] = ExportInput

    @extend_schema(responses=ExportOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.exports_of(self.actor), ExportOutput)

    @extend_schema(request=ExportInput, responses={202: ExportOutput})
    def post(self, request: Request) -> Response:
        """Have calls, windows or a series written to a file; ask again until `status` is `ready`."""
        wish = _wish(self.validated(self.input_class))

        def work() -> tuple[int, Any]:
            export = request_export(wish=wish, actor=self.actor)
            return status.HTTP_202_ACCEPTED, ExportOutput(export).data

        return self.once(request, work)


class ExportView(ApiView):
    """One export."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": READ}

    @extend_schema(responses=ExportOutput)
    def get(self, _request: Request, export_id: str) -> Response:
        """Show how far it is."""
        return Response(ExportOutput(selectors.get_export(self.actor, export_id)).data)


class ExportCancelView(ApiView):
    """Calling an export off."""

    method_permissions: ClassVar[MethodPermissions] = {"POST": READ}

    @extend_schema(request=None, responses=ExportOutput)
    def post(self, request: Request, export_id: str) -> Response:
        """Stop writing it; what was written is thrown away."""

        def work() -> tuple[int, Any]:
            export = selectors.get_export(self.actor, export_id)
            cancelled = cancel_export(export=export, actor=self.actor)
            return status.HTTP_200_OK, ExportOutput(cancelled).data

        return self.once(request, work)


class ExportDownloadView(ApiView):
    """The file of an export."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": READ}

    @extend_schema(responses=FILE)
    def get(self, _request: Request, export_id: str) -> HttpResponseBase:
        """Fetch the file, as long as it has not expired; `Repr-Digest` tells its SHA-256."""
        return file_response(selectors.get_export(self.actor, export_id))


class OperatorExportsView(ExportsView):
    """Exports over all tenants, with every field."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": OPERATOR, "POST": OPERATOR}
    input_class = OperatorExportInput

    @extend_schema(responses=ExportOutput(many=True))
    def get(self, request: Request) -> Response:
        """List the operators' exports, newest first."""
        return super().get(request)

    @extend_schema(request=OperatorExportInput, responses={202: ExportOutput})
    def post(self, request: Request) -> Response:
        """Have everybody's calls, windows or a series written to a file; days are UTC."""
        return super().post(request)


class OperatorExportView(ExportView):
    """One of the operators' exports."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": OPERATOR}


class OperatorExportCancelView(ExportCancelView):
    """Calling an operators' export off."""

    method_permissions: ClassVar[MethodPermissions] = {"POST": OPERATOR}


class OperatorExportDownloadView(ExportDownloadView):
    """The file of an operators' export."""

    method_permissions: ClassVar[MethodPermissions] = {"GET": OPERATOR}
