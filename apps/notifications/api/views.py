"""The signed-in person's inbox."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.permissions import AUTHENTICATED
from apps.core.api.views import ApiView
from apps.notifications import selectors, services
from apps.notifications.api.serializers import MarkedOutput, NotificationOutput, UnreadOutput


class NotificationListView(ApiView):
    """What the marketplace told the signed-in person, newest first."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(
        parameters=[OpenApiParameter("unread", bool, description="Only messages not read yet.")],
        responses=NotificationOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the inbox."""
        rows = selectors.own_inbox(self.actor)
        if request.query_params.get("unread") == "true":
            rows = rows.filter(read_at=None)
        return self.paginated(rows, NotificationOutput)


class UnreadCountView(ApiView):
    """How many messages wait."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(responses=UnreadOutput)
    def get(self, _request: Request) -> Response:
        """Count unread messages."""
        return Response({"unread": selectors.count_unread(self.actor)})


class NotificationReadView(ApiView):
    """Marks one message as read."""

    method_permissions = {"POST": AUTHENTICATED}

    @extend_schema(request=None, responses=NotificationOutput)
    def post(self, _request: Request, notification_id: str) -> Response:
        """Mark as read; again changes nothing."""
        row = selectors.get_notification(self.actor, notification_id)
        return Response(
            NotificationOutput(services.mark_read(notification=row, actor=self.actor)).data
        )


class ReadAllView(ApiView):
    """Marks the whole inbox as read."""

    method_permissions = {"POST": AUTHENTICATED}

    @extend_schema(operation_id="notifications_read_all", request=None, responses=MarkedOutput)
    def post(self, _request: Request) -> Response:
        """Mark everything as read."""
        return Response({"marked": services.mark_all_read(actor=self.actor)})
