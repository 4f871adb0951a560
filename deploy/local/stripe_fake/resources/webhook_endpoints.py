"""/v1/webhook_endpoints: who is told about events."""

from __future__ import annotations

from urllib.parse import urlsplit

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.ids import new_id, random_token
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, shape

URL = "/v1/webhook_endpoints"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StripeError("Invalid URL: an explicit scheme must be provided.", param="url")
    if parts.hostname not in LOOPBACK:
        raise StripeError("The local Stripe calls endpoints on this machine only.", param="url")


@operation("POST", URL, "WebhookEndpointCreateParams")
def create_webhook_endpoint(call: Call) -> Json:
    """Register an endpoint; only this answer holds its secret."""
    _check_url(call.params["url"])
    secret = f"whsec_{random_token(32)}"
    fields = copy_params("webhook_endpoint", call.params)
    fields["metadata"] = merge_metadata({}, call.params.get("metadata"))
    endpoint = shape(
        "webhook_endpoint", id=new_id("we"), status="enabled", _secret=secret, **fields
    )
    call.store.save(endpoint)
    return endpoint | {"secret": secret}


@operation("GET", f"{URL}/{{id}}", "WebhookEndpointRetrieveParams")
def retrieve_webhook_endpoint(call: Call) -> Json:
    """Return an endpoint, without its secret."""
    return call.fetch("webhook_endpoint")


@operation("GET", URL, "WebhookEndpointListParams")
def list_webhook_endpoints(call: Call) -> Json:
    """List endpoints, newest first."""
    return list_objects(call, "webhook_endpoint", URL)


@operation("POST", f"{URL}/{{id}}", "WebhookEndpointModifyParams")
def update_webhook_endpoint(call: Call) -> Json:
    """Change address, event types or whether it is enabled."""
    before = call.fetch("webhook_endpoint")
    if "url" in call.params:
        _check_url(call.params["url"])
    endpoint = before | copy_params("webhook_endpoint", call.params)
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    if "metadata" in call.params:
        endpoint["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    return call.store.save(endpoint)


@operation("DELETE", f"{URL}/{{id}}", "WebhookEndpointDeleteParams")
def delete_webhook_endpoint(call: Call) -> Json:
    """Remove an endpoint."""
    endpoint = call.fetch("webhook_endpoint")
    call.store.save(endpoint | {"deleted": True})
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
