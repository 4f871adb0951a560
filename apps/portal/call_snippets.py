"""Code that calls an API with a key: it runs as it stands."""

from __future__ import annotations

from django.conf import settings

from apps.apis.models import Api, Endpoint
from apps.apis.selectors import list_endpoints
from apps.apis.snippets import Snippet, call_of, snippets_of


def gateway_address(api: Api) -> str:
    """Return where an API is called, without a slash at the end."""
    return f"{settings.GATEWAY_URL}/{api.slug}"


def snippets_with_key(api: Api, secret: str = "") -> list[Snippet]:
    """Return a call of the API's simplest operation in each language, with the key in it.

    The simplest is a GET that needs no parameters, in the document's order; without a document the API's root is
    called. Without a secret the key is read from the environment.
    """
    headers = [row.name for row in api.required_headers.all()]
    call = call_of(_simplest(api), base_url=gateway_address(api), headers=headers)
    return snippets_of(call, secret=secret)


def curl_with_key(api: Api) -> str:
    """Return a curl command for the API's simplest operation; the key is read from the environment."""
    return snippets_with_key(api)[0].code


def _simplest(api: Api) -> Endpoint:
    plain = list_endpoints(api).filter(method="GET").exclude(path__contains="{")
    for endpoint in plain.order_by("position"):
        if not any(item.get("required") for item in endpoint.parameters):
            return endpoint
    return Endpoint(method="GET", path="/")
