"""Importing OpenAPI documents in two steps: read and compared, then applied or discarded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import transaction

from apps.apis.enums import ImportStatus, UpdateStatus, VersionStatus
from apps.apis.exceptions import ImportSettled, UpdatePending
from apps.apis.models import Api, ApiVersion, OpenapiImport
from apps.apis.openapi import (
    MAX_DOCUMENT_BYTES,
    DerivedApi,
    compare_documents,
    derive_api,
    is_breaking,
    load_document,
)
from apps.apis.policy import needs_review
from apps.apis.services.documents import document_of, settle_import, store_import
from apps.apis.services.editing import require_editable
from apps.apis.services.fetching import fetch_file
from apps.apis.services.updates import request_update
from apps.core.actors import Actor
from apps.core.audit import record_audit


@dataclass(frozen=True, slots=True)
class ImportedDocument:
    """What became of a document.

    `is_unchanged`: the current version holds the same bytes. `is_waiting`: it breaks callers of a live API, so an
    approver decides, and nothing has changed yet.
    """

    version_name: str
    endpoint_count: int
    is_unchanged: bool = False
    is_waiting: bool = False
    row: OpenapiImport | None = None


def fetch_openapi(url: str) -> bytes:
    """Read a document from a provider's address; call it outside transactions.

    Raises:
        UnsafeUrl: an address that Tollgate does not call.
        DocumentNotFetched: no answer, not 200, or larger than 2 MB.
    """
    accepted = "application/json, application/yaml, text/yaml, */*;q=0.5"
    return fetch_file(url, accepted=accepted, max_bytes=MAX_DOCUMENT_BYTES)


def check_document(content: bytes) -> DerivedApi:
    """Return what a document describes, saving nothing.

    Raises:
        OpenApiInvalid: with a JSON pointer for each thing that is wrong.
    """
    return derive_api(load_document(content))


def import_openapi(
    *, api: Api, content: bytes, actor: Actor, source_url: str = ""
) -> ImportedDocument:
    """Read a document and apply it in one go: its version becomes the API's current one.

    The version is named by the document's `info.version`; importing that version again replaces its endpoints.
    Empty texts of the listing are filled from the document. Nothing is saved unless everything is right.

    Raises:
        OpenApiInvalid, ApiNotEditable, VersionRetired, UpdatePending: as for `prepare_import` and `apply_import`.
    """
    with transaction.atomic():
        found = prepare_import(api=api, content=content, actor=actor, source_url=source_url)
        return found if found.row is None else apply_import(row=found.row, actor=actor)


def prepare_import(
    *, api: Api, content: bytes, actor: Actor, source_url: str = ""
) -> ImportedDocument:
    """Read a document and keep it with what it would change; an earlier one that still waits gives way to it.

    Compared is with the version of the same name, else with the current one. The same bytes again change nothing.

    Raises:
        OpenApiInvalid: with a JSON pointer for each thing that is wrong.
        ApiNotEditable: the API is being reviewed or registered, or is retired.
    """
    document = load_document(content)
    derived = derive_api(document)
    digest = hashlib.sha256(content).hexdigest()
    count = len(derived.operations)
    with transaction.atomic():
        Api.objects.lock(api.pk)
        api.refresh_from_db()
        require_editable(api)
        base = _base_of(api, derived.version)
        is_same = base and base.name == derived.version and base.openapi_digest == digest
        if base and base.is_current and is_same:
            return ImportedDocument(base.name, count, is_unchanged=True)
        _discard_waiting(api)
        changes = compare_documents(document_of(base), document)
        row = OpenapiImport.objects.create(
            api=api,
            version_name=derived.version,
            document=document,
            digest=digest,
            source_url=source_url[:300],
            changes=[change.to_json() for change in changes],
            is_breaking=is_breaking(changes),
            actor_user_id=actor.user_id,
            actor_label=actor.label[:200],
        )
        return ImportedDocument(derived.version, count, row=row)


def apply_import(*, row: OpenapiImport, actor: Actor) -> ImportedDocument:
    """Put a read document in force. One that breaks callers of a live API waits for an approver.

    Raises:
        ImportSettled: it was applied or discarded before.
        ApiNotEditable: the API is being reviewed or registered, or is retired.
        VersionRetired: the document describes a version that is gone.
        UpdatePending: another change of the live API waits for an approver.
    """
    with transaction.atomic():
        row = _lock_waiting(row)
        require_editable(row.api)
        count = len(derive_api(row.document).operations)
        if row.is_breaking and needs_review(row.api, actor) and not _is_prepared(row):
            current = row.api.versions.filter(is_current=True).first()
            wanted = {"before": current.name if current else "", "after": row.public_id}
            request_update(
                api=row.api,
                changes={"openapi": {**wanted, "version": row.version_name}},
                actor=actor,
            )
            return ImportedDocument(row.version_name, count, is_waiting=True, row=row)
        store_import(row, actor=actor)
        return ImportedDocument(row.version_name, count, row=row)


def discard_import(*, row: OpenapiImport, actor: Actor) -> OpenapiImport:
    """Forget a read document.

    Raises:
        ImportSettled: it was applied or discarded before.
        UpdatePending: an approver is deciding about it; withdraw the update first.
    """
    with transaction.atomic():
        row = _lock_waiting(row)
        if row.public_id in _under_review(row.api):
            raise UpdatePending
        settle_import(row, ImportStatus.DISCARDED)
        record_audit(
            action="apis:import:discarded",
            target=row,
            actor=actor,
            organization_id=row.api.organization_id,
            before={"version": row.version_name, "digest": row.digest},
        )
        return row


def _base_of(api: Api, version_name: str) -> ApiVersion | None:
    same = api.versions.filter(name=version_name).exclude(openapi=None).first()
    return same or api.versions.filter(is_current=True).first()


def _lock_waiting(row: OpenapiImport) -> OpenapiImport:
    Api.objects.lock(row.api_id)
    row = OpenapiImport.objects.select_related("api__category", "api__organization").get(pk=row.pk)
    if row.status != ImportStatus.PENDING:
        raise ImportSettled
    return row


def _is_prepared(row: OpenapiImport) -> bool:
    """Whether the document is for a version that callers do not see yet."""
    return row.api.versions.filter(
        name=row.version_name, is_current=False, status=VersionStatus.DRAFT
    ).exists()


def _under_review(api: Api) -> set[str]:
    waiting = api.updates.filter(status=UpdateStatus.PENDING, changes__has_key="openapi")
    return {update.changes["openapi"]["after"] for update in waiting}


def _discard_waiting(api: Api) -> None:
    kept = _under_review(api)
    for row in api.imports.filter(status=ImportStatus.PENDING):
        if row.public_id not in kept:
            settle_import(row, ImportStatus.DISCARDED)
