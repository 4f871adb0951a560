"""The one way in which an API changes its status: locked, checked, saved, told to its history and the audit trail."""

from __future__ import annotations

from typing import Any

from apps.apis.enums import ApiStatus
from apps.apis.events import ApiEvent
from apps.apis.models import Api, ApiStatusChange
from apps.apis.transitions import API
from apps.core import events
from apps.core.actors import Actor
from apps.core.audit import record_audit


def move_api(
    api: Api, status: ApiStatus, *, actor: Actor, reason: str = "", **changes: Any
) -> ApiStatusChange:
    """Give an API its next status, and other fields that change with it.

    `api` itself is brought up to date, so the caller goes on with what is stored.

    Raises:
        InvalidTransition: the state machine does not know the move.
    """
    locked = Api.objects.lock(api.pk)
    current = ApiStatus(locked.status)
    API.require(current, status)
    for name, value in {"status": status, "status_reason": reason, **changes}.items():
        setattr(api, name, value)
    api.save(update_fields=["status", "status_reason", *changes, "updated_at"])
    record_audit(
        action=f"apis:api:{status}",
        target=api,
        actor=actor,
        before={"status": current},
        after={"status": status},
        reason=reason,
    )
    return write_status_change(api, from_status=current, actor=actor, reason=reason)


def write_status_change(
    api: Api, *, from_status: ApiStatus | str, actor: Actor, reason: str = ""
) -> ApiStatusChange:
    """Write one line of the API's history; an empty `from_status` is its beginning."""
    return ApiStatusChange.objects.create(
        api=api,
        from_status=from_status,
        to_status=api.status,
        actor_user_id=actor.user_id,
        actor_label=actor.label[:200],
        by_operator=is_operator_of(api, actor),
        reason=reason,
    )


def is_operator_of(api: Api, actor: Actor) -> bool:
    """Whether the actor acts on the API from outside its own organization."""
    return actor.sees_every_tenant and actor.organization_id != api.organization_id


def tell(event_class: type[ApiEvent], api: Api, **members: Any) -> None:
    """Publish an event about an API; events of one API are delivered in order."""
    event = event_class(api_id=api.pk, organization_id=api.organization_id, **members)
    events.publish(event, key=str(api.pk))
