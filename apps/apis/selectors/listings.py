"""Single APIs and their documents: the provider's own, and those that the public may open."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from apps.apis.constants import HEALTH_CHECK_VALID_FOR
from apps.apis.enums import SERVED_VERSIONS, ApiStatus, VersionStatus
from apps.apis.models import Api, ApiVersion, Endpoint, HealthCheck, UpstreamSecret
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound

# --- the catalogue ------------------------------------------------------------------------------


def list_catalogue() -> QuerySet[Api]:
    """Return what the public catalogue shows, newest first."""
    return (
        Api.objects.listed()
        .select_related("category", "organization")
        .order_by("-activated_at", "-id")
    )


def list_sitemap_rows() -> QuerySet[Api, tuple[str, datetime]]:
    """Return the addresses of what the catalogue lists, with the time of their last change, the oldest first."""
    return Api.objects.listed().order_by("id").values_list("slug", "updated_at")


def get_readable_api(actor: Actor, slug: str) -> Api:
    """Return an API that the actor may open by its address.

    Raises:
        NotFound: unknown, not live, or private to somebody else.
    """
    rows = Api.objects.readable_by(actor).with_logo()
    rows = rows.select_related("category", "organization", "facts", "logo")
    api = rows.filter(slug=slug).first()
    if api is None:
        raise NotFound
    return api


# --- the provider's side ------------------------------------------------------------------------


def list_own_apis(actor: Actor) -> QuerySet[Api]:
    """Return the APIs of the actor's organization, newest first."""
    if actor.organization_id is None:
        return Api.objects.none()
    return Api.objects.filter(organization_id=actor.organization_id).select_related("category")


def get_own_api(actor: Actor, public_id: str) -> Api:
    """Return an API of the actor's organization.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    rows = Api.objects.select_related("category", "organization")
    return rows.get_visible(actor, public_id)


def get_own_secret(actor: Actor, api: Api, public_id: str) -> UpstreamSecret:
    """Return an upstream secret of an API that the actor may see.

    Raises:
        NotFound: unknown, or of another API.
    """
    found = [row for row in api.upstream_secrets.all() if row.public_id == public_id]
    if not found or not Api.objects.visible_to(actor).filter(pk=api.pk).exists():
        raise NotFound
    return found[0]


def find_current_version(api: Api) -> ApiVersion | None:
    """Return the version whose documents are shown, if one was imported."""
    return api.versions.filter(is_current=True).first()


def list_public_versions(api: Api) -> QuerySet[ApiVersion]:
    """Return the versions that callers may know, the newest first, without their documents; not drafts."""
    return api.versions.exclude(status=VersionStatus.DRAFT, is_current=False).defer("openapi")


def list_endpoints(api: Api) -> QuerySet[Endpoint]:
    """Return the operations of the current version, in the document's order."""
    return Endpoint.objects.filter(version__api=api, version__is_current=True)


def list_callable_endpoints(api: Api) -> QuerySet[Endpoint]:
    """Return the operations that callers may use: of the current version, and of the others that are not over.

    The current version's come first; an operation that several versions have comes several times.
    """
    is_callable = Q(version__is_current=True) | Q(version__status__in=SERVED_VERSIONS)
    rows = Endpoint.objects.filter(is_callable, version__api=api)
    return rows.order_by("-version__is_current", "-version_id", "position")


def find_latest_check(api: Api) -> HealthCheck | None:
    """Return the newest health check of the upstream as it is configured now."""
    return api.health_checks.filter(url=api.health_url).first()


def has_healthy_upstream(api: Api) -> bool:
    """Whether the upstream as it is configured now answered well within the last hour."""
    check = find_latest_check(api)
    return (
        check is not None
        and check.is_healthy
        and check.checked_at > clock.now() - HEALTH_CHECK_VALID_FOR
    )


def was_ever_submitted(api: Api) -> bool:
    """Whether the API's address was shown to an approver, so that it may not change any more."""
    return api.status_changes.filter(to_status=ApiStatus.SUBMITTED).exists()


def is_suspended_by_operator(api: Api) -> bool:
    """Whether it is suspended, and not by its provider; then only the operator resumes it."""
    if api.status != ApiStatus.SUSPENDED:
        return False
    last = api.status_changes.filter(to_status=ApiStatus.SUSPENDED).order_by("-id").first()
    return last is not None and last.by_operator
