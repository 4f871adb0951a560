"""Endpoints of usage: intake for the shipper, calls and windows for their consumer."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import IDEMPOTENCY_HEADER, ApiView
from apps.core.exceptions import InvalidInput
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.usage import selectors
from apps.usage.api.pagination import EventPagination, WindowPagination
from apps.usage.api.parsers import RawJsonParser, RawLinesParser
from apps.usage.api.serializers import (
    BatchReceiptSerializer,
    RejectionSerializer,
    ReplayAskedOutput,
    UsageBatchInput,
    UsageEventSerializer,
    UsageWindowSerializer,
)
from apps.usage.ingestion import accept_batch
from apps.usage.packing import read_body


class UsageEventsView(ApiView):
    """Send a batch of usage events, or list the calls that your organization made."""

    method_permissions: ClassVar = {"POST": "usage.write", "GET": "usage.read"}
    parser_classes = (RawJsonParser, RawLinesParser)
    paginator_class = EventPagination

    @extend_schema(
        request={
            "application/json": UsageBatchInput,
            "application/x-ndjson": {"type": "string", "description": "An event a line."},
        },
        responses={202: BatchReceiptSerializer},
    )
    def post(self, request: Request) -> Response:
        """Accept 1–5 000 events, as JSON or an event a line, gzip allowed; the rest happens later.

        `rejected` says which events were not taken, and why; the others were. `Idempotency-Key` names the batch: the same key again answers as before and stores nothing.
        """
        encoding = request.headers.get("Content-Encoding", "")
        media_type = request.content_type.partition(";")[0].strip().lower()
        receipt = accept_batch(
            body=read_body(request.body, encoding),
            batch_key=request.headers.get(IDEMPOTENCY_HEADER, ""),
            actor=self.actor,
            packed=request.body if encoding == "gzip" else None,
            is_lines=media_type == RawLinesParser.media_type,
        )
        answer = {
            "batch_id": receipt.batch_id,
            "accepted": receipt.accepted,
            "rejected": RejectionSerializer(receipt.rejections, many=True).data,
        }
        if receipt.log_replay_id is not None:
            answer["replay"] = ReplayAskedOutput(selectors.find_replay(receipt.log_replay_id)).data
        return Response(answer, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        parameters=[
            OpenApiParameter("subscription_id", str, description="Only this subscription.")
        ],
        responses=UsageEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List calls, newest first."""
        rows = selectors.events_of_consumer(self.actor)
        wanted = request.query_params.get("subscription_id")
        if wanted:
            rows = rows.filter(subscription_id=_subscription_key(wanted))
        return self.paginated(rows, UsageEventSerializer)


class UsageWindowsView(ApiView):
    """Hourly quantities of your organization's subscriptions."""

    method_permissions: ClassVar = {"GET": "usage.read"}

    paginator_class = WindowPagination

    @extend_schema(
        parameters=[
            OpenApiParameter("subscription_id", str, description="Only this subscription.")
        ],
        responses=UsageWindowSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List windows, newest first."""
        rows = selectors.windows_of_consumer(self.actor)
        wanted = request.query_params.get("subscription_id")
        if wanted:
            rows = rows.filter(subscription_id=_subscription_key(wanted))
        return self.paginated(rows, UsageWindowSerializer)


def _subscription_key(text: str) -> UUID:
    try:
        return parse_public_id("sub", text)
    except InvalidPublicIdError as error:
        raise InvalidInput(str(error), field="subscription_id") from None
