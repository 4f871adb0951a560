"""Which host names a provider may claim, and how they are written."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import addresses
from apps.core.exceptions import InvalidInput

FIELD: Final = "hostname"
# `_tollgate.` stands before it.
MAX_CLAIMED_CHARS: Final = addresses.MAX_NAME_CHARS - len("_tollgate.")


def clean_hostname(text: str) -> str:
    """Return a host name in lower-case ASCII, without a dot at its end.

    Raises:
        InvalidInput: no public host name, an address, or a name of this marketplace.
    """
    try:
        name = text.strip().encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        name = ""
    is_name = addresses.is_host_name(name) and "_" not in name and len(name) <= MAX_CLAIMED_CHARS
    if not is_name or addresses.is_ip_literal(name) or addresses.is_private_name(name):
        raise InvalidInput(_("Give a public host name such as api.example.com."), field=FIELD)
    if any(name == own or name.endswith(f".{own}") for own in _own_names()):
        raise InvalidInput(_("This name belongs to the marketplace itself."), field=FIELD)
    return name


def _own_names() -> set[str]:
    urls = (urlsplit(url).hostname for url in (settings.GATEWAY_URL, settings.PUBLIC_URL))
    listed = (host.strip("[]").lstrip(".").lower() for host in settings.ALLOWED_HOSTS)
    return {name for name in (*urls, *listed) if name and name != "*"}
