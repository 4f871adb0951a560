"""People, as operators see them."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.serializers import ReasonInput, StaffUserOutput
from apps.accounts.models import User
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id


class UsersView(ApiView):
    """Everybody who has an account."""

    method_permissions = {"GET": "staff:operator"}

    @extend_schema(
        parameters=[OpenApiParameter("search", str, description="Part of an address or name.")],
        responses=StaffUserOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List people, newest first."""
        rows = selectors.search_users(request.query_params.get("search", ""))
        return self.paginated(rows, StaffUserOutput)


class DeactivateUserView(ApiView):
    """Locking a person out."""

    method_permissions = {"POST": "staff:operator"}

    @extend_schema(request=ReasonInput, responses=StaffUserOutput)
    def post(self, _request: Request, user_id: str) -> Response:
        """End logins, sessions and tokens at once."""
        user = services.deactivate_user(
            user=_get_user(user_id), actor=self.actor, **self.validated(ReasonInput)
        )
        return Response(StaffUserOutput(user).data)


class ReactivateUserView(ApiView):
    """Letting a person in again."""

    method_permissions = {"POST": "staff:operator"}

    @extend_schema(request=ReasonInput, responses=StaffUserOutput)
    def post(self, _request: Request, user_id: str) -> Response:
        """Allow logins again; old sessions and tokens stay ended."""
        user = services.reactivate_user(
            user=_get_user(user_id), actor=self.actor, **self.validated(ReasonInput)
        )
        return Response(StaffUserOutput(user).data)


def _get_user(public_id: str) -> User:
    try:
        user = User.objects.filter(pk=parse_public_id(User.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        raise NotFound from None
    if user is None:
        raise NotFound
    return user
