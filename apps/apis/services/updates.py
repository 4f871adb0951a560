"""Changes of a live API that wait for an approver: asked for, put in force, or dropped. Keys and subscriptions stay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.apis.constants import UPDATE_SUBJECT
from apps.apis.enums import UpdateStatus
from apps.apis.events import ApiChanged, ApiEndpointsChanged
from apps.apis.exceptions import UpdatePending, UpdateSettled
from apps.apis.models import Api, ApiUpdate, ApiVersion, OpenapiImport, UpstreamSecret
from apps.apis.services.documents import store_import
from apps.apis.services.moves import tell
from apps.apis.services.searching import refresh_search
from apps.approvals.selectors import find_open_request
from apps.approvals.services import Submission, cancel_request, open_request
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.ids import parse_public_id

# These live in rows of their own; everything else that an update changes is a field of the API.
SECRETS = "upstream_secrets"
DOCUMENT = "openapi"
CURRENT_VERSION = "current_version"
_ELSEWHERE = frozenset({SECRETS, DOCUMENT, CURRENT_VERSION})


@transaction.atomic
def request_update(
    *,
    api: Api,
    changes: Mapping[str, Mapping[str, Any]],
    actor: Actor,
    sealed: Mapping[str, str] | None = None,
) -> ApiUpdate:
    """Ask an approver to agree to a change of a live API; the caller has locked the API.

    `changes` maps what changes to its values before and after; `sealed` holds values of upstream secrets by header.

    Raises:
        UpdatePending: another change waits.
    """
    if api.updates.filter(status=UpdateStatus.PENDING).exists():
        raise UpdatePending
    update = ApiUpdate.objects.create(
        api=api,
        changes={name: dict(values) for name, values in sorted(changes.items())},
        sealed=json.dumps(dict(sealed)) if sealed else "",
        actor_user_id=actor.user_id,
        actor_label=actor.label[:200],
    )
    _audit(update, "requested", actor)
    open_request(
        submission=Submission(
            subject_type=UPDATE_SUBJECT,
            subject_id=update.pk,
            organization=api.organization,
            title=api.name,
            details={"api": api.public_id, "changes": sorted(changes)},
        ),
        actor=actor,
    )
    return update


@transaction.atomic
def approve_update(*, update: ApiUpdate, actor: Actor, comment: str = "") -> ApiUpdate:
    """Put a change in force.

    Raises:
        UpdateSettled: it was decided or withdrawn before.

    Publishes: ApiChanged, and ApiEndpointsChanged with a document or another current version.
    """
    update = _settle(update, UpdateStatus.APPROVED, actor=actor, reason=comment)
    api = update.api
    fields = [name for name in update.changes if name not in _ELSEWHERE]
    for name in fields:
        setattr(api, name, update.changes[name]["after"])
    if fields:
        api.save(update_fields=[*fields, "updated_at"])
        refresh_search(api)
    if SECRETS in update.changes:
        _store_secrets(update)
    if DOCUMENT in update.changes:
        row = _referenced(OpenapiImport, update.changes[DOCUMENT]["after"])
        row.api = api
        store_import(row, actor=actor)
    if CURRENT_VERSION in update.changes:
        _make_current(api, _referenced(ApiVersion, update.changes[CURRENT_VERSION]["after"]))
    tell(ApiChanged, api)
    return update


@transaction.atomic
def reject_update(*, update: ApiUpdate, actor: Actor, reason: str) -> ApiUpdate:
    """Drop a change that an approver refused; the API stays as it is.

    Raises:
        UpdateSettled: it was decided or withdrawn before.
    """
    return _settle(update, UpdateStatus.REJECTED, actor=actor, reason=reason)


@transaction.atomic
def drop_update(*, update: ApiUpdate, actor: Actor, reason: str = "") -> ApiUpdate:
    """Drop a change that its provider withdrew, or that nobody decided in time; the API stays as it is.

    Raises:
        UpdateSettled: it was decided or withdrawn before.
    """
    return _settle(update, UpdateStatus.CANCELLED, actor=actor, reason=reason)


@transaction.atomic
def withdraw_update(*, update: ApiUpdate, actor: Actor) -> ApiUpdate:
    """Take back a change that waits for an approver.

    Raises:
        UpdateSettled: it was decided or withdrawn before.
        NotFound, Forbidden: not the provider's side.
    """
    request = find_open_request(UPDATE_SUBJECT, update.pk)
    if request is None:
        raise UpdateSettled
    cancel_request(request=request, actor=actor)
    update.refresh_from_db()
    return update


def withdraw_waiting_updates(*, api: Api, actor: Actor) -> None:
    """Take back whatever waits, because the API itself ends; part of the caller's transaction."""
    for update in api.updates.filter(status=UpdateStatus.PENDING):
        withdraw_update(update=update, actor=actor)


def _settle(update: ApiUpdate, status: UpdateStatus, *, actor: Actor, reason: str) -> ApiUpdate:
    api = Api.objects.lock(update.api_id)
    update = ApiUpdate.objects.get(pk=update.pk)
    if update.status != UpdateStatus.PENDING:
        raise UpdateSettled
    update.api = api
    update.status, update.decided_at, update.reason = status, clock.now(), reason
    sealed, update.sealed = update.sealed, ""
    update.save(update_fields=["status", "decided_at", "reason", "sealed", "updated_at"])
    update.sealed = sealed
    _audit(update, str(status), actor, reason=reason)
    return update


def _store_secrets(update: ApiUpdate) -> None:
    for name, value in json.loads(update.sealed or "{}").items():
        UpstreamSecret.objects.update_or_create(
            api=update.api, header_name=name, defaults={"value": value}
        )
    update.sealed = ""


def _make_current(api: Api, version: ApiVersion) -> None:
    api.versions.filter(is_current=True).exclude(pk=version.pk).update(is_current=False)
    version.is_current = True
    version.save(update_fields=["is_current", "updated_at"])
    refresh_search(api)
    tell(ApiEndpointsChanged, api)


def _referenced(model: type[Any], public_id: str) -> Any:
    return model.objects.get(pk=parse_public_id(model.id_prefix, public_id))


def _audit(update: ApiUpdate, verb: str, actor: Actor, reason: str = "") -> None:
    record_audit(
        action=f"apis:update:{verb}",
        target=update,
        actor=actor,
        organization_id=update.api.organization_id,
        before={name: values["before"] for name, values in update.changes.items()},
        after={name: values["after"] for name, values in update.changes.items()},
        reason=reason,
    )
