"""Code that calls an operation, to be copied and run as it stands."""

from apps.apis.snippets.calls import Call, call_of, example_of
from apps.apis.snippets.languages import KEY_VARIABLE, Snippet, curl, snippets_of

__all__ = (
    "KEY_VARIABLE",
    "Call",
    "Snippet",
    "call_of",
    "curl",
    "curl_for",
    "example_of",
    "snippets_of",
)

from apps.apis.models import Endpoint


def curl_for(endpoint: Endpoint, *, base_url: str) -> str:
    """Return a curl command for an operation, with examples for what it needs."""
    return curl(call_of(endpoint, base_url=base_url))
