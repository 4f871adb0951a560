"""What belongs to a provider's listing: logo, required headers, changes under review, who may see a private API."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis import provider_selectors, services
from apps.apis.api import publishing_serializers as shapes
from apps.apis.api.provider_views import MANAGE, READ, ProviderApiViewBase
from apps.apis.api.uploads import require_small_body
from apps.apis.constants import MAX_LOGO_BYTES
from apps.apis.templatetags.apis import logo_path
from apps.core.api.pagination import WholeList


class LogoView(ProviderApiViewBase):
    """The picture of a listing."""

    method_permissions = {"PUT": MANAGE, "DELETE": MANAGE}
    parser_classes = (MultiPartParser, JSONParser)

    @extend_schema(request=shapes.LogoInput, responses=shapes.LogoOutput)
    def put(self, request: Request, api_id: str) -> Response:
        """Set it from a file or an address: PNG, JPEG or WebP, at most 1 MB."""
        api = self.load(api_id)
        require_small_body(request, max_bytes=MAX_LOGO_BYTES, field="logo")
        given = self.validated(shapes.LogoInput)
        url = given.get("url", "")
        content = services.fetch_logo(url) if url else given["logo"].read(MAX_LOGO_BYTES + 1)
        logo = services.set_logo(api=api, content=content, actor=self.actor)
        return Response({"logo_url": logo_path(api, logo)})

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, api_id: str) -> Response:
        """Take it away."""
        services.remove_logo(api=self.load(api_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RequiredHeadersView(ProviderApiViewBase):
    """Headers that callers must send."""

    paginator_class = WholeList
    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.RequiredHeaderOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them by name."""
        rows = provider_selectors.list_required_headers(self.load(api_id))
        return self.paginated(rows, shapes.RequiredHeaderOutput)

    @extend_schema(request=shapes.RequiredHeaderInput, responses={201: shapes.RequiredHeaderOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Ask callers for one more."""
        api = self.load(api_id)
        given = self.validated(shapes.RequiredHeaderInput)
        return self.created(
            request,
            lambda: (
                shapes.RequiredHeaderOutput(
                    services.add_required_header(api=api, actor=self.actor, **given)
                ).data
            ),
        )


class RequiredHeaderView(ProviderApiViewBase):
    """One header that callers must send."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, api_id: str, header_id: str) -> Response:
        """No longer ask for it."""
        header = provider_selectors.get_required_header(self.load(api_id), header_id)
        services.remove_required_header(header=header, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class UpdatesView(ProviderApiViewBase):
    """Changes of a live API that an approver was asked about."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.ApiUpdateOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them, newest first."""
        rows = provider_selectors.list_updates(self.load(api_id))
        return self.paginated(rows, shapes.ApiUpdateOutput)


class WithdrawUpdateView(ProviderApiViewBase):
    """Takes a change back."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.ApiUpdateOutput)
    def post(self, _request: Request, api_id: str, update_id: str) -> Response:
        """Withdraw; the API stays as it is."""
        update = provider_selectors.get_update(self.load(api_id), update_id)
        update = services.withdraw_update(update=update, actor=self.actor)
        return Response(shapes.ApiUpdateOutput(update).data)


class AccessListView(ProviderApiViewBase):
    """Organizations that a private API is open to."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.AccessOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them, newest first."""
        rows = provider_selectors.list_access(self.load(api_id))
        return self.paginated(rows, shapes.AccessOutput)

    @extend_schema(request=shapes.AccessInput, responses={201: shapes.AccessOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Let an organization in by its id."""
        api = self.load(api_id)
        given = self.validated(shapes.AccessInput)
        return self.created(
            request,
            lambda: (
                shapes.AccessOutput(services.grant_access(api=api, actor=self.actor, **given)).data
            ),
        )


class AccessInvitationsView(ProviderApiViewBase):
    """Invitations to a private API by mail."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=shapes.AccessInvitationInput, responses={202: None})
    def post(self, request: Request, api_id: str) -> Response:
        """Send somebody a link; the answer does not say whether the address is known here."""
        api = self.load(api_id)
        email = self.validated(shapes.AccessInvitationInput)["email"]

        def invite() -> tuple[int, object]:
            services.invite_by_mail(api=api, email=email, actor=self.actor)
            return status.HTTP_202_ACCEPTED, {"email": email}

        return self.once(request, invite)


class AccessView(ProviderApiViewBase):
    """One organization that a private API is open to."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, api_id: str, access_id: str) -> Response:
        """Hide the API from it; its subscriptions go on until somebody ends them."""
        access = provider_selectors.get_access(self.load(api_id), access_id)
        services.remove_access(access=access, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
