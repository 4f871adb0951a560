"""The part of Caddy's configuration that gets certificates: for the gateway's names at once, for domains on demand.

Source: docs/architecture/gateway.md §12.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.gateway.caddy_upstreams import Json


def tls_apps(*, tls: str, ask: str, own_hosts: tuple[str, ...]) -> Json:
    """Return the apps of the configuration that TLS needs; none where it ends elsewhere.

    Args:
        tls: `off`, `on-demand` (ACME), or `internal` (a local authority that nobody trusts by itself).
        ask: where Caddy asks whether a domain is known; without a yes it gets no certificate.
        own_hosts: the gateway's own names.
    """
    if tls == "off":
        return {}
    issuers = [{"module": "internal" if tls == "internal" else "acme"}]
    named = [host for host in own_hosts if _has_certificate(host)]
    own_policy = [{"subjects": named, "issuers": issuers}] if named else []
    apps: Json = {
        "tls": {
            "automation": {
                "policies": [*own_policy, {"on_demand": True, "issuers": issuers}],
                "on_demand": {"permission": {"module": "http", "endpoint": f"http://{ask}/ask"}},
            },
        },
    }
    if named:
        apps["tls"]["certificates"] = {"automate": named}
    if tls == "internal":
        # Nothing of this machine is told to trust it.
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    return apps


def _has_certificate(host: str) -> bool:
    """Tell whether a name can have a public certificate: no address, and not this machine's own name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return "." in host
    return False
