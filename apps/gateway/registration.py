"""From "may go live" to a wanted route: the upstream is asked first, outside any transaction.

Between submission and approval days may pass, so a check that is older than two minutes counts for nothing. A fresh
one (instant activation) lets the route be wanted in the transaction of the approval.

Source: docs/architecture/gateway-sync.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.apis.services import check_upstream, mark_api_failed, retry_registration
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import InvalidTransition
from apps.gateway import services
from apps.gateway.entries import InvalidEntryError
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry

logger = structlog.get_logger(__name__)

GATEWAY: Final = Actor.system("gateway")
FRESH_FOR: Final = timedelta(minutes=2)
# A request whose check did not begin by then was lost with the broker.
LOST_AFTER: Final = timedelta(seconds=30)
BATCH_SIZE: Final = 50


def needs_check(api: Api) -> bool:
    """Tell whether the upstream must be asked before the API may be registered."""
    newest = api.health_checks.order_by("-checked_at").first()
    is_fresh = newest is not None and newest.checked_at > clock.now() - FRESH_FOR
    return not (newest and is_fresh and newest.is_healthy and newest.url == api.health_url)


@transaction.atomic
def want_registered_route(api_id: UUID) -> bool:
    """Want the route of an API that is being registered, and a proof even if the registry knows it already.

    An API that the proxy cannot serve is failed, with the reason. Returns whether the route is wanted.
    """
    try:
        services.want_route(api_id, is_forced=True)
    except InvalidEntryError as error:
        fail_registration(api_id, reason=str(error))
        return False
    return True


def check_and_register(api_id: UUID) -> str:
    """Ask the upstream, then want the route; or fail the registration with what the check found.

    Idempotent: an API that is no longer being registered is left alone. Returns `wanted`, `failed` or `skipped`.

    Raises:
        TransactionForbiddenError: called inside a transaction; it talks to the network.
    """
    api = Api.objects.filter(pk=api_id, status=ApiStatus.REGISTERING).first()
    if api is None:
        return "skipped"
    check = check_upstream(api=api) if needs_check(api) else None
    with transaction.atomic():
        if Api.objects.lock(api_id).status != ApiStatus.REGISTERING:
            return "skipped"
        if check is not None and not check.is_healthy:
            reason = _("The upstream was not reachable. %(error)s") % {"error": check.error}
            fail_registration(api_id, reason=reason)
            return "failed"
        return "wanted" if want_registered_route(api_id) else "failed"


@transaction.atomic
def fail_registration(api_id: UUID, *, reason: str, is_gateways_fault: bool = False) -> None:
    """Call the registration failed, and take the route out of the registry: no failed API has one.

    A failure of the gateway itself is tried again by reconciliation, and when an authorizer appears.
    """
    api = Api.objects.lock(api_id)
    if api.status != ApiStatus.REGISTERING:
        return
    mark_api_failed(api=api, reason=reason, actor=GATEWAY)
    services.want_route(api_id)
    given_up_at = clock.now() if is_gateways_fault else None
    routes = RegistryEntry.objects.filter(kind=EntryKind.ROUTE, subject_id=api_id)
    routes.update(given_up_at=given_up_at)
    logger.warning("gateway.registration_failed", api=api.public_id, reason=reason)


def resume_lost_registrations() -> int:
    """Begin again with APIs that wait to be registered and have no wanted route; return how many.

    Their check was lost with the broker or its worker.
    """
    routes = RegistryEntry.objects.filter(kind=EntryKind.ROUTE, subject_id=OuterRef("pk"))
    waiting = Api.objects.filter(
        ~Exists(routes.exclude(payload=None)),
        status=ApiStatus.REGISTERING,
        updated_at__lt=clock.now() - LOST_AFTER,
    )
    ids = list(waiting.order_by("updated_at").values_list("pk", flat=True)[:BATCH_SIZE])
    for api_id in ids:
        check_and_register(api_id)
    return len(ids)


def retry_given_up(*, reason: str) -> int:
    """Register APIs again whose registration failed because no authorizer proved it; return how many."""
    routes = RegistryEntry.objects.filter(kind=EntryKind.ROUTE, given_up_at__isnull=False)
    apis = Api.objects.filter(pk__in=routes.values("subject_id"), status=ApiStatus.FAILED)
    count = 0
    for api in apis.order_by("pk")[:BATCH_SIZE]:
        try:
            retry_registration(api=api, actor=Actor.system(reason))
        except InvalidTransition:
            continue  # somebody else was quicker
        count += 1
    return count
