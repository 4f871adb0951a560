"""What belongs to a provider's API: versions, imports, changes that wait, who was let in, headers, the logo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from apps.apis.enums import ImportStatus, UpdateStatus
from apps.apis.models import (
    Api,
    ApiAccess,
    ApiDomain,
    ApiLogo,
    ApiUpdate,
    ApiVersion,
    OpenapiImport,
    RequiredHeader,
)
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.models import Entity

E = TypeVar("E", bound=Entity)


def may_use(api: Api, organization_id: UUID) -> bool:
    """Whether an organization may see and subscribe to an API: a private one only by invitation."""
    return Api.objects.open_to(organization_id).filter(pk=api.pk).exists()


def list_versions(api: Api) -> QuerySet[ApiVersion]:
    """Return the versions of an API, newest first, without their documents."""
    return api.versions.defer("openapi").order_by("-id")


def get_version(api: Api, public_id: str) -> ApiVersion:
    """Return a version of an API.

    Raises:
        NotFound: unknown, or of another API.
    """
    return _one_of(list_versions(api).select_related("api"), public_id)


def list_imports(api: Api) -> QuerySet[OpenapiImport]:
    """Return what was read for an API, newest first, without the documents."""
    return api.imports.defer("document").order_by("-id")


def find_waiting_import(api: Api) -> OpenapiImport | None:
    """Return the document that waits to be applied or discarded."""
    return list_imports(api).filter(status=ImportStatus.PENDING).first()


def get_import(api: Api, public_id: str) -> OpenapiImport:
    """Return a document that was read for an API.

    Raises:
        NotFound: unknown, or of another API.
    """
    return _one_of(list_imports(api).select_related("api"), public_id)


def list_updates(api: Api) -> QuerySet[ApiUpdate]:
    """Return the changes of a live API that an approver was asked about, newest first."""
    return api.updates.order_by("-id")


def find_waiting_update(api: Api) -> ApiUpdate | None:
    """Return the change that waits for an approver."""
    return list_updates(api).filter(status=UpdateStatus.PENDING).first()


def get_update(api: Api, public_id: str) -> ApiUpdate:
    """Return a change of an API.

    Raises:
        NotFound: unknown, or of another API.
    """
    return _one_of(list_updates(api), public_id)


def list_access(api: Api) -> QuerySet[ApiAccess]:
    """Return the organizations that a private API is open to, newest first."""
    rows = api.access.filter(removed_at=None)
    return rows.select_related("organization", "api").order_by("-id")


def get_access(api: Api, public_id: str) -> ApiAccess:
    """Return an access to an API.

    Raises:
        NotFound: unknown, removed, or of another API.
    """
    return _one_of(list_access(api), public_id)


def list_required_headers(api: Api) -> QuerySet[RequiredHeader]:
    """Return the headers that callers must send, by name."""
    return api.required_headers.order_by("name")


def get_required_header(api: Api, public_id: str) -> RequiredHeader:
    """Return a header that callers must send.

    Raises:
        NotFound: unknown, or of another API.
    """
    return _one_of(list_required_headers(api).select_related("api"), public_id)


def list_domains(api: Api) -> QuerySet[ApiDomain]:
    """Return an API's domains by name."""
    return api.domains.order_by("hostname")


def get_domain(api: Api, public_id: str) -> ApiDomain:
    """Return one domain of an API.

    Raises:
        NotFound: the API has no such domain.
    """
    return _one_of(list_domains(api).select_related("api"), public_id)


def find_logo(api: Api) -> ApiLogo | None:
    """Return an API's logo without the picture; none if it was never given one."""
    return ApiLogo.objects.filter(api=api).defer("image").first()


def get_readable_logo(actor: Actor, slug: str, digest: str) -> ApiLogo:
    """Return the logo of an API that the actor may read; approvers see those of drafts too.

    Raises:
        NotFound: unknown, hidden from the actor, or replaced meanwhile.
    """
    reader = actor.as_platform() if actor.is_staff else actor
    rows = ApiLogo.objects.filter(api__in=Api.objects.readable_by(reader), digest=digest)
    logo = rows.select_related("api").filter(api__slug=slug).first()
    if logo is None:
        raise NotFound
    return logo


def _one_of(rows: Iterable[E], public_id: str) -> E:
    """Return the row with that id; these lists are short, and an id of another API is not among them."""
    for row in rows:
        if row.public_id == public_id:
            return row
    raise NotFound
