"""Importing OpenAPI documents: read, check, derive, replace the version's endpoints."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import httpx
from django.db import transaction
from django.utils.translation import gettext as _

from apps.apis.enums import VersionStatus
from apps.apis.exceptions import DocumentNotFetched
from apps.apis.models import Api, ApiVersion, Endpoint
from apps.apis.openapi import (
    MAX_DOCUMENT_BYTES,
    DerivedApi,
    Operation,
    derive_api,
    load_document,
)
from apps.apis.services.editing import refresh_search, require_editable
from apps.core import http_client
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import UnsafeUrl

FETCH_TIMEOUT_S = 10.0
SUCCESS = 200


@dataclass(frozen=True, slots=True)
class ImportedDocument:
    """What an import did. An unchanged document changes nothing."""

    version: ApiVersion
    endpoint_count: int
    is_unchanged: bool


def fetch_openapi(url: str) -> bytes:
    """Read a document from a provider's address; call it outside transactions.

    Raises:
        UnsafeUrl: an address that Tollgate does not call.
        DocumentNotFetched: no answer, not 200, or larger than 2 MB.
    """
    accepted = {"Accept": "application/json, application/yaml, text/yaml, */*;q=0.5"}
    try:
        answer = http_client.fetch(
            "GET", url, headers=accepted, timeout_s=FETCH_TIMEOUT_S, max_bytes=MAX_DOCUMENT_BYTES
        )
    except UnsafeUrl as error:
        raise UnsafeUrl(error.detail, field="url") from None
    except httpx.HTTPError as error:
        detail = _("The address did not answer: %(reason)s") % {"reason": type(error).__name__}
        raise DocumentNotFetched(detail, field="url") from error
    except ValueError:
        detail = _("The document is larger than %(limit)s MB.")
        limit = MAX_DOCUMENT_BYTES // (1024 * 1024)
        raise DocumentNotFetched(detail % {"limit": limit}, field="url") from None
    if answer.status != SUCCESS:
        detail = _("The address answered %(status)s.") % {"status": answer.status}
        raise DocumentNotFetched(detail, field="url")
    return answer.body


def check_document(content: bytes) -> DerivedApi:
    """Return what a document describes, saving nothing.

    Raises:
        OpenApiInvalid: with a JSON pointer for each thing that is wrong.
    """
    return derive_api(load_document(content))


def import_openapi(
    *, api: Api, content: bytes, actor: Actor, source_url: str = ""
) -> ImportedDocument:
    """Make a document's version the API's current one, with the endpoints that it describes.

    The version is named by the document's `info.version`; importing that version again replaces its endpoints.
    Empty texts of the listing are filled from the document. Nothing is saved unless everything is right.

    Raises:
        OpenApiInvalid: with a JSON pointer for each thing that is wrong.
        ApiNotEditable: the API is being reviewed or registered, or is retired.
    """
    document = load_document(content)
    derived = derive_api(document)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        Api.objects.lock(api.pk)
        api.refresh_from_db()
        require_editable(api)
        return _store(
            api, document=document, derived=derived, source=(source_url, digest), actor=actor
        )


def _store(
    api: Api,
    *,
    document: dict[str, object],
    derived: DerivedApi,
    source: tuple[str, str],
    actor: Actor,
) -> ImportedDocument:
    source_url, digest = source
    version = api.versions.filter(name=derived.version).first() or ApiVersion(
        api=api, name=derived.version
    )
    count = len(derived.operations)
    if version.is_current and version.openapi_digest == digest:
        return ImportedDocument(version, count, is_unchanged=True)
    api.versions.filter(is_current=True).exclude(pk=version.pk).update(is_current=False)
    version.is_current = True
    version.openapi, version.openapi_digest = document, digest
    version.openapi_source_url = source_url[:300]
    if api.is_callable:
        version.status = VersionStatus.PUBLISHED
    version.save()
    _replace_endpoints(version, derived.operations)
    _fill_empty_texts(api, derived)
    record_audit(
        action="apis:version:imported",
        target=version,
        actor=actor,
        organization_id=api.organization_id,
        after={"version": version.name, "endpoints": count, "digest": digest},
    )
    refresh_search(api)
    return ImportedDocument(version, count, is_unchanged=False)


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
