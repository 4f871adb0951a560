"""Code that calls an API with a key: it runs as it stands."""

from __future__ import annotations

from apps.apis.models import Api
from apps.apis.simplest_call import gateway_address, simplest_call
from apps.apis.snippets import Snippet, snippets_of

__all__ = ("curl_with_key", "gateway_address", "snippets_with_key")


def snippets_with_key(api: Api, secret: str = "") -> list[Snippet]:
    """Return a call of the API's simplest operation in each language, with the key in it.

    The simplest is a GET that needs no parameters, in the document's order; without a document the API's root is
    called. Without a secret the key is read from the environment.
    """
    return snippets_of(simplest_call(api), secret=secret)


def curl_with_key(api: Api) -> str:
    """Return a curl command for the API's simplest operation; the key is read from the environment."""
    return snippets_with_key(api)[0].code
