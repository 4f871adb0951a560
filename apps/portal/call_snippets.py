"""The command that calls an API with a key: it runs as it stands."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from apps.apis.models import Api, Endpoint
from apps.apis.selectors import find_current_version

PLACEHOLDER: Final = "$TOLLGATE_KEY"


def gateway_address(api: Api) -> str:
    """Return where an API is called, without a slash at the end."""
    return f"{settings.GATEWAY_URL}/{api.slug}"


def curl_with_key(api: Api, secret: str = PLACEHOLDER) -> str:
    """Return a curl line for the API's simplest operation, with the key in it.

    The simplest is a GET without parameters in its path, in the document's order; without a document the
    API's root is called.
    """
    path = _simplest_path(api)
    return f'curl -H "X-Api-Key: {secret}" {gateway_address(api)}{path}'


def _simplest_path(api: Api) -> str:
    version = find_current_version(api)
    if version is None:
        return "/"
    plain = Endpoint.objects.filter(version=version, method="GET").exclude(path__contains="{")
    for endpoint in plain.order_by("position"):
        if not any(item.get("required") for item in endpoint.parameters):
            return str(endpoint.path)
    return "/"
