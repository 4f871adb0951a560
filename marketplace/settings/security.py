"""Secrets, hosts, cookies, the content security policy, and where outgoing calls may lead."""

from __future__ import annotations

from csp.constants import NONCE, NONE, SELF

from marketplace.settings.env import env_list, env_networks, env_numbered, env_text
from marketplace.settings.payments import STRIPE_CHECKOUT_ORIGIN
from marketplace.settings.product import PUBLIC_URL

SECRET_KEY = env_text("SECRET_KEY")
KEY_PEPPERS = env_numbered("KEY_PEPPERS")
FIELD_ENCRYPTION_KEYS = env_list("FIELD_ENCRYPTION_KEYS")

ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        # "Add a card" is a form whose answer leads to Stripe's hosted page.
        "form-action": [SELF, STRIPE_CHECKOUT_ORIGIN],
        "frame-ancestors": [NONE],
    },
}
# Asked for the TXT records of providers' domains; empty: those of the machine.
NAME_SERVERS = env_list("GATEWAY_RESOLVER_UPSTREAMS")
# host:port pairs that outgoing calls may reach although they are not public (development).
OUTGOING_TRUSTED_HOSTS = frozenset(env_list("OUTGOING_TRUSTED_HOSTS"))
# The operator's own public networks: nobody may send us there.
OUTGOING_REFUSED_NETWORKS = env_networks("OUTGOING_REFUSED_NETWORKS")
