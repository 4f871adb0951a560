"""Webhook endpoints and their deliveries over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.core.api.permissions import AUTHENTICATED
from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput
from apps.core.http_client import refuse_inner_name
from apps.notifications.api import webhook_serializers as shapes
from apps.notifications.constants import MANAGE_WEBHOOKS
from apps.notifications.enums import DeliveryStatus, EndpointStatus
from apps.notifications.event_types import all_event_types, unknown_event_types
from apps.notifications.models import WebhookEndpoint
from apps.notifications.selectors import webhooks as selectors
from apps.notifications.services import endpoints, replays
from apps.notifications.services.endpoints import EndpointTerms, IssuedSecret

TERMS: Final = ("url", "description", "event_types", "api_version")


def terms_of(values: dict[str, Any], *, present: WebhookEndpoint | None = None) -> EndpointTerms:
    """Turn validated input into terms; what it leaves out stays as it is."""
    terms: dict[str, Any] = {}
    for name in TERMS:
        if name in values:
            terms[name] = values[name]
        elif present is not None:
            terms[name] = getattr(present, name)
    return EndpointTerms(**{**terms, "event_types": tuple(terms.get("event_types", ()))})


class WebhookViewBase(ApiView):
    """Base of the views of one endpoint."""

    def load(self, endpoint_id: str) -> WebhookEndpoint:
        """Return the endpoint if it is the caller's organization's, else answer 404."""
        return selectors.get_endpoint(self.actor, endpoint_id)

    def issued(self, request: Request, issue: Callable[[], IssuedSecret]) -> Response:
        """Make a secret once per Idempotency-Key, and show it in this answer only.

        The stored answer holds no secret: a replay shows the endpoint without it.
        """
        made: list[IssuedSecret] = []

        def work() -> tuple[int, Any]:
            made.append(issue())
            return status.HTTP_201_CREATED, shapes.WebhookEndpointOutput(made[0].endpoint).data

        response = self.once(request, work)
        response.data = {**response.data, "secret": made[0].secret if made else None}
        response.headers["Cache-Control"] = "no-store"
        return response


class WebhookEndpointsView(WebhookViewBase):
    """The webhook endpoints of the caller's organization."""

    method_permissions = {"GET": MANAGE_WEBHOOKS, "POST": MANAGE_WEBHOOKS}

    @extend_schema(responses=shapes.WebhookEndpointOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first, without their secrets."""
        return self.paginated(selectors.list_endpoints(self.actor), shapes.WebhookEndpointOutput)

    @extend_schema(
        request=shapes.WebhookEndpointInput, responses={201: shapes.IssuedWebhookEndpointOutput}
    )
    def post(self, request: Request) -> Response:
        """Make an endpoint. `secret` is in this answer only."""
        terms = terms_of(self.validated(shapes.WebhookEndpointInput))
        refuse_inner_name(terms.url, field="url")
        organization = get_current_organization(self.actor)
        return self.issued(
            request,
            lambda: endpoints.create_endpoint(
                organization=organization, terms=terms, actor=self.actor
            ),
        )


class WebhookEndpointView(WebhookViewBase):
    """One webhook endpoint."""

    method_permissions = {
        "GET": MANAGE_WEBHOOKS,
        "PATCH": MANAGE_WEBHOOKS,
        "DELETE": MANAGE_WEBHOOKS,
    }

    @extend_schema(responses=shapes.WebhookEndpointOutput)
    def get(self, _request: Request, endpoint_id: str) -> Response:
        """Show it, without its secret."""
        return Response(shapes.WebhookEndpointOutput(self.load(endpoint_id)).data)

    @extend_schema(
        request=shapes.WebhookEndpointChangeInput, responses=shapes.WebhookEndpointOutput
    )
    def patch(self, _request: Request, endpoint_id: str) -> Response:
        """Change it. Disabling gives up what is on its way; enabling does not replay by itself."""
        values = self.validated(shapes.WebhookEndpointChangeInput)
        endpoint = self.load(endpoint_id)
        if "url" in values:
            refuse_inner_name(values["url"], field="url")
        if set(TERMS) & values.keys():
            endpoint = endpoints.update_endpoint(
                endpoint=endpoint, terms=terms_of(values, present=endpoint), actor=self.actor
            )
        if values.get("status") == EndpointStatus.ACTIVE:
            endpoint = endpoints.enable_endpoint(endpoint=endpoint, actor=self.actor)
        elif values.get("status") == EndpointStatus.DISABLED:
            endpoint = endpoints.disable_endpoint(endpoint=endpoint, actor=self.actor)
        return Response(shapes.WebhookEndpointOutput(endpoint).data)

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, endpoint_id: str) -> Response:
        """Remove it with the log of its deliveries."""
        endpoints.delete_endpoint(endpoint=self.load(endpoint_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateSecretView(WebhookViewBase):
    """Replaces an endpoint's secret."""

    method_permissions = {"POST": MANAGE_WEBHOOKS}

    @extend_schema(request=None, responses={201: shapes.IssuedWebhookEndpointOutput})
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Make a new secret; for 24 hours the old one signs as well. `secret` is in this answer only."""
        endpoint = self.load(endpoint_id)
        return self.issued(
            request, lambda: endpoints.rotate_secret(endpoint=endpoint, actor=self.actor)
        )


class TestEventView(WebhookViewBase):
    """Tries an endpoint."""

    method_permissions = {"POST": MANAGE_WEBHOOKS}

    @extend_schema(request=None, responses={201: shapes.WebhookDeliveryOutput})
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Send a `webhook.test` event to this endpoint only; the delivery shows what it answered."""
        endpoint = self.load(endpoint_id)

        def send() -> Any:
            delivery = replays.send_test_event(endpoint=endpoint, actor=self.actor)
            return shapes.WebhookDeliveryOutput(delivery).data

        return self.created(request, send)


class DeliveriesView(WebhookViewBase):
    """What was sent to an endpoint."""

    method_permissions = {"GET": MANAGE_WEBHOOKS}

    @extend_schema(
        parameters=[
            OpenApiParameter("status", str, enum=DeliveryStatus.values),
            OpenApiParameter("type", str, description="Only events of this type."),
        ],
        responses=shapes.WebhookDeliveryOutput(many=True),
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        """List deliveries of the last 30 days, newest first."""
        wanted = request.query_params.get("status", "")
        if wanted and wanted not in DeliveryStatus.values:
            raise InvalidInput(f"one of {', '.join(DeliveryStatus.values)}", field="status")
        event_type = request.query_params.get("type", "")
        if event_type and unknown_event_types([event_type]):
            raise InvalidInput("one of GET /api/v1/webhook-event-types", field="type")
        rows = selectors.list_deliveries(
            self.load(endpoint_id), status=wanted, event_type=event_type
        )
        return self.paginated(rows, shapes.WebhookDeliveryOutput)


class ReplayFailedView(WebhookViewBase):
    """Sends again what an endpoint missed."""

    method_permissions = {"POST": MANAGE_WEBHOOKS}

    @extend_schema(request=shapes.ReplayInput, responses={202: shapes.ReplayOutput})
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Send again every message since a moment that was given up, each under its own `webhook-id`."""
        endpoint = self.load(endpoint_id)
        since = self.validated(shapes.ReplayInput)["since"]

        def replay() -> tuple[int, Any]:
            count = replays.replay_failed_since(endpoint=endpoint, since=since, actor=self.actor)
            return status.HTTP_202_ACCEPTED, {"deliveries": count}

        return self.once(request, replay)


class DeliveryView(ApiView):
    """One delivery."""

    method_permissions = {"GET": MANAGE_WEBHOOKS}

    @extend_schema(responses=shapes.WebhookDeliveryDetailOutput)
    def get(self, _request: Request, delivery_id: str) -> Response:
        """Show it with its payload and every attempt."""
        delivery = selectors.get_delivery(self.actor, delivery_id)
        return Response(shapes.WebhookDeliveryDetailOutput(delivery).data)


class ReplayDeliveryView(ApiView):
    """Sends one message again."""

    method_permissions = {"POST": MANAGE_WEBHOOKS}

    @extend_schema(request=None, responses={202: shapes.WebhookDeliveryOutput})
    def post(self, request: Request, delivery_id: str) -> Response:
        """Send it once more under its own `webhook-id`, also when it had succeeded."""
        delivery = selectors.get_delivery(self.actor, delivery_id)

        def replay() -> tuple[int, Any]:
            replays.replay_delivery(delivery=delivery, actor=self.actor)
            shown = selectors.get_delivery(self.actor, delivery_id)
            return status.HTTP_202_ACCEPTED, shapes.WebhookDeliveryOutput(shown).data

        return self.once(request, replay)


class EventTypesView(ApiView):
    """What webhooks tell of."""

    method_permissions = {"GET": AUTHENTICATED}

    @extend_schema(responses=shapes.EventTypesOutput)
    def get(self, _request: Request) -> Response:
        """List every event type with an example of its `data`."""
        return Response({"data": shapes.EventTypeOutput(all_event_types(), many=True).data})
