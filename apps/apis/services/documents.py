"""Putting a document in force: its version, its endpoints, the listing's empty texts."""

from __future__ import annotations

from typing import Any

from apps.apis.enums import ImportStatus, VersionStatus
from apps.apis.events import ApiEndpointsChanged
from apps.apis.exceptions import VersionRetired
from apps.apis.models import Api, ApiVersion, Endpoint, OpenapiImport
from apps.apis.openapi import DerivedApi, Operation, derive_api
from apps.apis.policy import REVIEWED_STATUSES
from apps.apis.services.moves import tell
from apps.apis.services.searching import refresh_search
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit


def store_import(row: OpenapiImport, *, actor: Actor) -> ApiVersion:
    """Make a read document's version hold what it describes; the caller has locked the API.

    A version that was prepared as a draft stays one, and does not become the current version of a live API.

    Raises:
        VersionRetired: the document describes a version that is gone.

    Publishes: ApiEndpointsChanged.
    """
    api = row.api
    derived = derive_api(row.document)
    version = api.versions.filter(name=row.version_name).first()
    if version is None:
        version = ApiVersion(api=api, name=row.version_name, is_current=True)
    if version.status == VersionStatus.RETIRED:
        raise VersionRetired
    _take_its_place(version, api)
    version.openapi, version.openapi_digest = row.document, row.digest
    version.openapi_source_url = row.source_url
    version.save()
    _replace_endpoints(version, derived.operations)
    _fill_empty_texts(api, derived)
    settle_import(row, ImportStatus.APPLIED)
    record_audit(
        action="apis:version:imported",
        target=version,
        actor=actor,
        organization_id=api.organization_id,
        after={
            "version": version.name,
            "endpoints": len(derived.operations),
            "digest": row.digest,
        },
    )
    refresh_search(api)
    tell(ApiEndpointsChanged, api)
    return version


def settle_import(row: OpenapiImport, status: ImportStatus) -> None:
    """Note what became of an import. Its document is dropped: the version has it, or nobody wants it."""
    row.status, row.settled_at, row.document = status, clock.now(), {}
    row.save(update_fields=["status", "settled_at", "document", "updated_at"])


def document_of(version: ApiVersion | None) -> dict[str, Any]:
    """Return what a version describes, to be compared with; without a document, made of its endpoints."""
    if version is None:
        return {}
    if version.openapi:
        return dict(version.openapi)
    paths: dict[str, Any] = {}
    for endpoint in version.endpoints.all():
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = {
            "parameters": endpoint.parameters,
            "responses": endpoint.responses,
            **({"requestBody": endpoint.request_body} if endpoint.request_body else {}),
        }
    return {"paths": paths}


def _take_its_place(version: ApiVersion, api: Api) -> None:
    is_live = api.status in REVIEWED_STATUSES
    is_prepared = version.status == VersionStatus.DRAFT and not version.is_current
    version.is_current = version.is_current or not (is_live and is_prepared)
    if not version.is_current:
        return
    api.versions.filter(is_current=True).exclude(pk=version.pk).update(is_current=False)
    if is_live and version.status == VersionStatus.DRAFT:
        version.status, version.published_at = VersionStatus.PUBLISHED, clock.now()


def _replace_endpoints(version: ApiVersion, operations: tuple[Operation, ...]) -> None:
    version.endpoints.all().delete()
    Endpoint.objects.bulk_create(
        Endpoint(
            version=version,
            position=position,
            method=operation.method,
            path=operation.path,
            operation_id=operation.operation_id,
            summary=operation.summary,
            description=operation.description,
            tag=operation.tag,
            parameters=list(operation.parameters),
            request_body=operation.request_body,
            responses=operation.responses,
            is_deprecated=operation.is_deprecated,
            requires_admin=operation.requires_admin,
        )
        for position, operation in enumerate(operations)
    )


def _fill_empty_texts(api: Api, derived: DerivedApi) -> None:
    found = {"description": derived.description, "short_description": derived.summary}
    filled = {name: text for name, text in found.items() if text and not getattr(api, name)}
    for name, text in filled.items():
        setattr(api, name, text)
    if filled:
        api.save(update_fields=[*filled, "updated_at"])
