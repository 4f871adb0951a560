"""The call of an API that needs least: what people try first."""

from __future__ import annotations

from django.conf import settings

from apps.apis.models import Api, Endpoint
from apps.apis.selectors import list_endpoints
from apps.apis.snippets import Call, call_of


def gateway_address(api: Api) -> str:
    """Return where an API is called, without a slash at the end."""
    return f"{settings.GATEWAY_URL}/{api.slug}"


def simplest_call(api: Api) -> Call:
    """Return a call of the first GET of the API's document that needs no parameters; without one, of its root."""
    headers = [row.name for row in api.required_headers.all()]
    return call_of(_simplest(api), base_url=gateway_address(api), headers=headers)


def _simplest(api: Api) -> Endpoint:
    plain = list_endpoints(api).filter(method="GET").exclude(path__contains="{")
    for endpoint in plain.order_by("position"):
        if not any(item.get("required") for item in endpoint.parameters):
            return endpoint
    return Endpoint(method="GET", path="/")
