"""Making a listing and changing it."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.accounts.models import Organization
from apps.apis.constants import APPROVAL_SUBJECT
from apps.apis.enums import ApiStatus
from apps.apis.events import ApiChanged
from apps.apis.exceptions import ApiNotEditable, SlugFixed, SlugTaken
from apps.apis.models import Api
from apps.apis.policy import fields_to_review
from apps.apis.selectors import was_ever_submitted
from apps.apis.services.fields import ListingFields, clean_field
from apps.apis.services.lifecycle import reopen_api
from apps.apis.services.moves import tell, write_status_change
from apps.apis.services.searching import refresh_search
from apps.apis.services.updates import request_update
from apps.apis.slugs import suggest_slug, validate_slug
from apps.approvals.enums import ApprovalStatus
from apps.approvals.selectors import find_open_request
from apps.core.actors import Actor
from apps.core.audit import record_audit

# Somebody is deciding about these, or they are gone.
FROZEN_STATUSES: Final = frozenset(
    {
        ApiStatus.SUBMITTED,
        ApiStatus.PENDING_APPROVAL,
        ApiStatus.APPROVED,
        ApiStatus.REGISTERING,
        ApiStatus.RETIRED,
    }
)
# What the gateway needs to know, so a change of it is told upwards.
GATEWAY_FIELDS: Final = frozenset(
    {
        "upstream_url",
        "allowed_methods",
        "visibility",
        "cors_origins",
        "timeout_class",
        "calls_per_second",
        "calls_per_minute",
    }
)


@transaction.atomic
def create_api(*, organization: Organization, fields: ListingFields, actor: Actor) -> Api:
    """Make a draft. Without a slug, a free one is made from the name.

    Raises:
        ValidationError, InvalidInput: a field is wrong; each error names its field.
        UnsafeUrl: the upstream is an address that Tollgate does not call.
        SlugRefused, SlugTaken: the address cannot be had.
    """
    slug = fields.get("slug", "")
    api = Api(organization=organization)
    _assign(api, {**fields, "slug": slug or suggest_slug(fields["name"])})
    validate_slug(api.slug)
    _save_valid(api)
    write_status_change(api, from_status="", actor=actor)
    record_audit(
        action="apis:api:created",
        target=api,
        actor=actor,
        after={"name": api.name, "slug": api.slug},
    )
    refresh_search(api)
    return api


@transaction.atomic
def update_api(*, api: Api, fields: ListingFields, actor: Actor) -> Api:
    """Change a listing. A rejected API becomes a draft again.

    Of an API that went live, a new upstream, more methods and going public wait for an approver (`ApiUpdate`);
    everything else is in force at once.

    Raises:
        ApiNotEditable: it is being reviewed or registered, or is retired. An approver's question opens it.
        SlugFixed: the address was submitted once.
        UpdatePending: another change waits for an approver.
        ValidationError, InvalidInput, UnsafeUrl, SlugRefused, SlugTaken: as for `create_api`.

    Publishes: ApiChanged, if the gateway must know.
    """
    Api.objects.lock(api.pk)
    api.refresh_from_db()
    require_editable(api)
    before = {name: getattr(api, name) for name in fields}
    _assign(api, fields)
    changed = {name for name in fields if getattr(api, name) != before[name]}
    if "slug" in changed:
        if was_ever_submitted(api):
            raise SlugFixed(field="slug")
        validate_slug(api.slug)
    if changed:
        _validate(api)
        _save_changes(api, before=before, changed=changed, actor=actor)
    return api


def _save_changes(api: Api, *, before: dict[str, Any], changed: set[str], actor: Actor) -> None:
    reviewed = fields_to_review(api, before=before, changed=changed, actor=actor)
    if reviewed:
        wanted = {name: {"before": before[name], "after": getattr(api, name)} for name in reviewed}
        for name in reviewed:
            setattr(api, name, before[name])
        request_update(api=api, changes=wanted, actor=actor)
    at_once = changed - reviewed
    if not at_once:
        return
    _save(api)
    record_audit(
        action="apis:api:updated",
        target=api,
        actor=actor,
        before={name: before[name] for name in sorted(at_once)},
        after={name: getattr(api, name) for name in sorted(at_once)},
    )
    if api.status == ApiStatus.REJECTED:
        reopen_api(api=api, actor=actor)
    if at_once & GATEWAY_FIELDS:
        tell(ApiChanged, api)
    refresh_search(api)


def is_editable(api: Api) -> bool:
    """Whether the API may change now: not while somebody decides, unless they asked the provider something."""
    if api.status not in FROZEN_STATUSES:
        return True
    if api.status != ApiStatus.PENDING_APPROVAL:
        return False
    request = find_open_request(APPROVAL_SUBJECT, api.pk)
    return request is not None and request.status == ApprovalStatus.INFO_REQUESTED


def require_editable(api: Api) -> None:
    """Refuse changes that `is_editable` does not allow.

    Raises:
        ApiNotEditable: not now.
    """
    if not is_editable(api):
        raise ApiNotEditable(current=api.status)


def _assign(api: Api, fields: ListingFields) -> None:
    for name, value in fields.items():
        setattr(api, name, clean_field(name, value))


def _save_valid(api: Api) -> None:
    _validate(api)
    _save(api)


def _validate(api: Api) -> None:
    written = ListingFields.__annotations__.keys()
    unwritten = {field.name for field in Api._meta.fields} - written
    api.full_clean(exclude=unwritten, validate_unique=False)


def _save(api: Api) -> None:
    try:
        with transaction.atomic():
            api.save()
    except IntegrityError:
        raise SlugTaken(field="slug") from None
