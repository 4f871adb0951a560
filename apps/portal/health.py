"""Parts of the product's health that only the top floor sees: the gateway's nodes, its shippers, the payment service."""

from __future__ import annotations

from django.conf import settings

from apps.core import clock
from apps.core.health import Component, health_check
from apps.gateway.models import AuthorizerNode
from apps.usage.selectors import serving_shippers, shipper_status


@health_check("gateway")
def check_gateway() -> Component:
    """Say how many authorizers hold a lease; without one, no call is let through."""
    now = clock.now()
    nodes = {
        node.name: {"version": node.version, "is_serving": node.lease_expires_at > now}
        for node in AuthorizerNode.objects.all()
    }
    serving = sum(node["is_serving"] for node in nodes.values())
    details = {"nodes": len(nodes), "serving": serving}
    return Component("ok" if serving else "down", details)


@health_check("resolver")
def check_resolver() -> Component:
    """Say whether the resolvers answer, as the authorizers beside them see it: without one, no upstream's name is dialled."""
    serving = AuthorizerNode.objects.filter(lease_expires_at__gt=clock.now())
    answers = {node.name: node.details.get("resolver_up") for node in serving}
    silent = sorted(name for name, is_up in answers.items() if not is_up)
    is_up = bool(answers) and not silent
    return Component("ok" if is_up else "down", {"nodes": len(answers), "silent": silent})


@health_check("shipper")
def check_shippers() -> Component:
    """Say whether the gateway's calls arrive here; silence matters while an authorizer lets calls through."""
    now = clock.now()
    states = list(serving_shippers().order_by("reported_at"))
    silent = [state.node for state in states if shipper_status(state) == "silent"]
    is_serving = AuthorizerNode.objects.filter(lease_expires_at__gt=now).exists()
    is_missed = is_serving and (bool(silent) or not states)
    oldest = min(
        (state.oldest_unshipped_at for state in states if state.oldest_unshipped_at), default=None
    )
    details = {
        "nodes": len(states),
        "silent": silent,
        "last_seen_at": states[-1].reported_at.isoformat() if states else None,
        "shipped_until": oldest.isoformat() if oldest else None,
    }
    return Component("degraded" if is_missed else "ok", details)


@health_check("stripe")
def check_stripe() -> Component:
    """Say whether payments are set up; the service itself is not called, so that this answer is quick."""
    is_configured = bool(settings.STRIPE_SECRET_KEY and settings.STRIPE_WEBHOOK_SECRET)
    details = {"configured": is_configured, "live": settings.STRIPE_LIVE_MODE}
    return Component("ok" if is_configured else "degraded", details)
