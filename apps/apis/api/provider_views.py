"""The provider's side: drafts, documents, secrets, submission, and where an API stands."""

from __future__ import annotations

from typing import Final, cast

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.apis import provider_selectors, selectors, services
from apps.apis.api import publishing_serializers as publishing
from apps.apis.api import serializers as shapes
from apps.apis.constants import APPROVAL_SUBJECT
from apps.apis.models import Api, ApiUpdate
from apps.apis.next_steps import next_step_of
from apps.apis.outbound_limits import UPSTREAM_CHECKS
from apps.apis.requirements import requirements_of
from apps.apis.selectors.listings import is_suspended_by_operator
from apps.approvals.selectors import find_open_request
from apps.core.api.pagination import WholeList
from apps.core.api.views import REPLAYED_HEADER, ApiView
from apps.core.exceptions import InvalidInput
from apps.core.http_client import refuse_inner_name
from apps.core.rate_limits import take_turn

READ = "apis.read"
MANAGE = "apis.manage"
# What a call of the upstream depends on.
CALLED_FIELDS: Final = frozenset({"upstream_url", "health_path", "health_expected_status"})


class ProviderApisView(ApiView):
    """The APIs that the caller's organization provides."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.ProviderApiOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        rows = selectors.list_own_apis(self.actor).select_related("organization")
        return self.paginated(rows, shapes.ProviderApiOutput)

    @extend_schema(request=shapes.ApiInput, responses={201: publishing.CreatedApiOutput})
    def post(self, request: Request) -> Response:
        """Make a draft; safe to repeat with an Idempotency-Key.

        The upstream is called once, ten seconds at most. One that does not answer is saved all the same and stands in
        `warnings`, with the code `upstream_unreachable`.
        """
        fields = cast("services.ListingFields", self.validated(shapes.ApiInput))
        refuse_inner_name(fields["upstream_url"], field="upstream_url")
        organization = get_current_organization(self.actor)
        answer = self.created(
            request,
            lambda: (
                shapes.ProviderApiOutput(
                    services.create_api(organization=organization, fields=fields, actor=self.actor)
                ).data
            ),
        )
        # After the transaction that makes the draft: it talks to the network.
        api = selectors.get_own_api(self.actor, answer.data["id"])
        is_replay = REPLAYED_HEADER in answer.headers
        warn = services.known_upstream_warnings if is_replay else services.warn_of_upstream
        return with_warnings(answer, warn(api=api))


def with_warnings(answer: Response, warnings: list[services.FieldWarning]) -> Response:
    """Put the warnings into an answer."""
    told = [publishing.WarningOutput(warning).data for warning in warnings]
    answer.data = {**answer.data, "warnings": told}
    return answer


class ProviderApiViewBase(ApiView):
    """Base of the views of one API."""

    def load(self, api_id: str) -> Api:
        """Return the API if the caller's organization provides it, else answer 404."""
        return selectors.get_own_api(self.actor, api_id)

    def detail(self, api_id: str) -> Response:
        """Answer the API as it is now, with what belongs to it."""
        api = self.load(api_id)
        context = {
            "logo": provider_selectors.find_logo(api),
            "headers": provider_selectors.list_required_headers(api),
            "update": provider_selectors.find_waiting_update(api),
        }
        return Response(publishing.ProviderApiDetailOutput(api, context=context).data)


class ProviderApiView(ProviderApiViewBase):
    """One API of the caller's organization."""

    method_permissions = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=publishing.ProviderApiDetailOutput)
    def get(self, _request: Request, api_id: str) -> Response:
        """Show it."""
        return self.detail(api_id)

    @extend_schema(request=shapes.ApiChangesInput, responses=publishing.ChangedApiOutput)
    def patch(self, _request: Request, api_id: str) -> Response:
        """Change some fields; 409 while it is being reviewed.

        Of an API that went live, a new upstream, more methods and going public wait for an approver: they stand in
        `pending_update` until then. Where the upstream or its health path changes it is called once, ten seconds at
        most; one that does not answer is saved all the same and stands in `warnings`.
        """
        api = self.load(api_id)
        fields = cast("services.ListingFields", self.validated(shapes.ApiChangesInput))
        if "upstream_url" in fields:
            refuse_inner_name(fields["upstream_url"], field="upstream_url")
        services.update_api(api=api, fields=fields, actor=self.actor)
        is_called = not CALLED_FIELDS.isdisjoint(fields)
        warnings = services.warn_of_upstream(api=api) if is_called else []
        return with_warnings(self.detail(api_id), warnings)


class UpstreamCheckView(ProviderApiViewBase):
    """Asks the upstream whether it is there."""

    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.HealthCheckOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List past checks, newest first."""
        return self.paginated(self.load(api_id).health_checks.all(), shapes.HealthCheckOutput)

    @extend_schema(request=None, responses=shapes.HealthCheckOutput)
    def post(self, request: Request, api_id: str) -> Response:
        """Check now: name, connection, TLS, status, latency; 429 after ten in a minute."""
        api = self.load(api_id)
        take_turn(UPSTREAM_CHECKS, request=request, actor=self.actor)
        check = services.check_upstream(api=api)
        return Response(shapes.HealthCheckOutput(check).data)


class SubmitView(ProviderApiViewBase):
    """Submits an API."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=None, responses={202: shapes.ProviderApiOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Check the upstream, then ask to publish; safe to repeat with an Idempotency-Key."""
        api = self.load(api_id)

        def submit() -> tuple[int, object]:
            services.submit_api(api=api, actor=self.actor)
            return status.HTTP_202_ACCEPTED, shapes.ProviderApiOutput(self.load(api_id)).data

        return self.once(request, submit, before=lambda: services.check_upstream(api=api))


class StatusView(ProviderApiViewBase):
    """Where an API stands."""

    method_permissions = {"GET": READ}

    @extend_schema(responses=shapes.ApiStatusOutput)
    def get(self, _request: Request, api_id: str) -> Response:
        """Show the status with every earlier one, what is next, what is missing, and what waits for an approver."""
        api = self.load(api_id)
        request = find_open_request(APPROVAL_SUBJECT, api.pk)
        update = provider_selectors.find_waiting_update(api)
        body = {
            "status": api.status,
            "reason": api.status_reason,
            "next": next_step_of(api, by_operator=is_suspended_by_operator(api)),
            "sunset_at": api.sunset_at,
            "pending_update_id": update.public_id if update else None,
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


class DeprecateView(ProviderApiViewBase):
    """Closes an API to new subscribers."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=publishing.DeprecateInput, responses=publishing.ProviderApiDetailOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Deprecate, perhaps with a date and a message; present subscribers may go on."""
        api = self.load(api_id)
        given = self.validated(publishing.DeprecateInput)
        services.deprecate_api(
            api=api,
            actor=self.actor,
            reason=given.get("reason", ""),
            sunset_at=given.get("sunset_at"),
        )
        return self.detail(api_id)


class RetireView(ProviderApiViewBase):
    """Ends an API."""

    method_permissions = {"POST": MANAGE}

    @extend_schema(request=publishing.RetireInput, responses=publishing.ProviderApiDetailOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Retire a deprecated API: its subscriptions end. `confirm` must be its address."""
        api = self.load(api_id)
        given = self.validated(publishing.RetireInput)
        if given["confirm"] != api.slug:
            raise InvalidInput(_("Send the address of the API to confirm."), field="confirm")
        services.retire_api(api=api, actor=self.actor, reason=given.get("reason", ""))
        return self.detail(api_id)


class SecretsView(ProviderApiViewBase):
    """Headers that the gateway adds for the upstream."""

    paginator_class = WholeList
    method_permissions = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.SecretOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List their names; values are never shown."""
        rows = self.load(api_id).upstream_secrets.order_by("header_name")
        return self.paginated(rows, shapes.SecretOutput)

    @extend_schema(
        request=shapes.SecretInput,
        responses={201: shapes.SecretOutput, 202: publishing.ApiUpdateOutput},
    )
    def post(self, request: Request, api_id: str) -> Response:
        """Set a header's value, replacing an older one; 202 where a live API's new header waits for an approver."""
        api = self.load(api_id)
        given = self.validated(shapes.SecretInput)

        def store() -> tuple[int, object]:
            stored = services.set_upstream_secret(api=api, actor=self.actor, **given)
            if isinstance(stored, ApiUpdate):
                return status.HTTP_202_ACCEPTED, publishing.ApiUpdateOutput(stored).data
            return status.HTTP_201_CREATED, shapes.SecretOutput(stored).data

        return self.once(request, store)


class SecretView(ProviderApiViewBase):
    """One header."""

    method_permissions = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, api_id: str, secret_id: str) -> Response:
        """Forget it."""
        secret = selectors.get_own_secret(self.actor, self.load(api_id), secret_id)
        services.delete_upstream_secret(secret=secret, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
