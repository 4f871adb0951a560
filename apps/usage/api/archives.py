"""Archives of calls, for operators."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.pagination import CursorPagination
from apps.core.api.views import ApiView
from apps.usage import selectors
from apps.usage.models import UsageArchive
from apps.usage.services import verify_archive

OPERATOR = "staff:operator"


class ArchivePagination(CursorPagination):
    """Newest month first."""

    ordering = "-month_start"


class ArchiveOutput(serializers.ModelSerializer[UsageArchive]):
    """A month of calls in a file. `only_copy`: the database does not hold them any more; `removed`: nobody does."""

    id = serializers.CharField(source="public_id")
    month = serializers.CharField(source="__str__")

    class Meta:
        """Without the byte ranges."""

        model = UsageArchive
        fields: ClassVar = (
            "id", "month", "status", "file_name", "size_bytes", "sha256", "row_count", "min_id", "max_id",
            "ids_sha256", "sums", "verified_at", "problem", "created_at", "removed_at",
        )  # fmt: skip


class ArchivesView(ApiView):
    """Months of calls in archives."""

    method_permissions: ClassVar = {"GET": OPERATOR}
    paginator_class = ArchivePagination

    @extend_schema(responses=ArchiveOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest month first."""
        return self.paginated(selectors.archives(), ArchiveOutput)


class ArchiveView(ApiView):
    """One month."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=ArchiveOutput)
    def get(self, _request: Request, archive_id: str) -> Response:
        """Show where it lies."""
        return Response(ArchiveOutput(selectors.get_archive(archive_id)).data)


class ArchiveVerifyView(ApiView):
    """Reading an archive back."""

    method_permissions: ClassVar = {"POST": OPERATOR}

    @extend_schema(request=None, responses=ArchiveOutput)
    def post(self, request: Request, archive_id: str) -> Response:
        """Read the whole file and compare it with what was written; a difference is `archive_damaged`."""
        archive = selectors.get_archive(archive_id)

        def work() -> tuple[int, Any]:
            verified = verify_archive(archive=archive, actor=self.actor)
            return status.HTTP_200_OK, ArchiveOutput(verified).data

        return self.once(request, work)
