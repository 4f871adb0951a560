"""Making a listing and changing it."""

from __future__ import annotations

import functools
import operator
from typing import Any, Final, TypedDict

from django.contrib.postgres.search import SearchVector
from django.db import IntegrityError, transaction
from django.db.models import Value
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.constants import APPROVAL_SUBJECT, MAX_TAG_LENGTH_CHARS, MAX_TAGS
from apps.apis.enums import ApiStatus
from apps.apis.events import ApiChanged
from apps.apis.exceptions import ApiNotEditable, SlugFixed, SlugTaken
from apps.apis.models import HTTP_METHODS, Api, Category
from apps.apis.selectors import SEARCH_CONFIG, list_endpoints, was_ever_submitted
from apps.apis.services.lifecycle import reopen_api
from apps.apis.services.moves import tell, write_status_change
from apps.apis.slugs import suggest_slug, validate_slug
from apps.approvals.enums import ApprovalStatus
from apps.approvals.selectors import find_open_request
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput
from apps.core.http_client import validate_url

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
GATEWAY_FIELDS: Final = frozenset({"upstream_url", "allowed_methods", "visibility"})
MAX_SEARCHED_ENDPOINTS: Final = 200


class ListingFields(TypedDict, total=False):
    """What a provider writes about an API. A new one needs `name`, `category` and `upstream_url`."""

    name: str
    slug: str
    category: Category
    tags: list[str]
    short_description: str
    description: str
    terms_url: str
    support_email: str
    visibility: str
    upstream_url: str
    allowed_methods: list[str]
    health_path: str
    health_expected_status: int


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

    Raises:
        ApiNotEditable: it is being reviewed or registered, or is retired. An approver's question opens it.
        SlugFixed: the address was submitted once.
        ValidationError, InvalidInput, UnsafeUrl, SlugRefused, SlugTaken: as for `create_api`.

    Publishes: ApiChanged, if the gateway must know.
    """
    Api.objects.lock(api.pk)
    api.refresh_from_db()
    require_editable(api)
    before = {name: getattr(api, name) for name in fields}
    _assign(api, fields)
    changed = {name for name in fields if getattr(api, name) != before[name]}
    if not changed:
        return api
    if "slug" in changed:
        if was_ever_submitted(api):
            raise SlugFixed(field="slug")
        validate_slug(api.slug)
    _save_valid(api)
    record_audit(
        action="apis:api:updated",
        target=api,
        actor=actor,
        before={name: before[name] for name in sorted(changed)},
        after={name: getattr(api, name) for name in sorted(changed)},
    )
    if api.status == ApiStatus.REJECTED:
        reopen_api(api=api, actor=actor)
    if changed & GATEWAY_FIELDS:
        tell(ApiChanged, api)
    refresh_search(api)
    return api


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


def refresh_search(api: Api) -> None:
    """Bring an API's search words up to date: its name weighs most, its endpoints least."""
    endpoints = list_endpoints(api).values_list("path", "summary")[:MAX_SEARCHED_ENDPOINTS]
    words = {
        "A": f"{api.name} {api.slug.replace('-', ' ')} {' '.join(api.tags)}",
        "B": f"{api.short_description} {api.category.name} {api.organization.name}",
        "C": api.description[:20_000],
        "D": " ".join(f"{path.replace('/', ' ')} {summary}" for path, summary in endpoints),
    }
    parts = [
        SearchVector(Value(text), weight=weight, config=SEARCH_CONFIG)
        for weight, text in words.items()
    ]
    Api.objects.filter(pk=api.pk).update(search=functools.reduce(operator.add, parts))


def _assign(api: Api, fields: ListingFields) -> None:
    for name, value in fields.items():
        setattr(api, name, _cleaned(name, value))


def _cleaned(name: str, value: Any) -> Any:
    match name:
        case "upstream_url":
            return _clean_upstream(value)
        case "tags":
            return _clean_tags(value)
        case "allowed_methods":
            return _clean_methods(value)
        case "health_path":
            return "/" + value.strip().lstrip("/")
        case _:
            return value.strip() if isinstance(value, str) else value


def _clean_upstream(url: str) -> str:
    text = url.strip().rstrip("/")
    if "?" in text or "#" in text:
        raise InvalidInput(_("A base URL has no query and no fragment."), field="upstream_url")
    validate_url(text, field="upstream_url")
    return text


def _clean_tags(tags: list[str]) -> list[str]:
    cleaned = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(cleaned) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH_CHARS for tag in cleaned):
        limits = {"count": MAX_TAGS, "length": MAX_TAG_LENGTH_CHARS}
        detail = _("Use at most %(count)s tags of at most %(length)s characters.") % limits
        raise InvalidInput(detail, field="tags")
    return cleaned


def _clean_methods(methods: list[str]) -> list[str]:
    wanted = {method.upper() for method in methods}
    unknown = wanted - set(HTTP_METHODS)
    if unknown or not wanted:
        detail = _("Choose from: %(methods)s.") % {"methods": ", ".join(HTTP_METHODS)}
        raise InvalidInput(detail, field="allowed_methods")
    return [method for method in HTTP_METHODS if method in wanted]


def _save_valid(api: Api) -> None:
    written = ListingFields.__annotations__.keys()
    unwritten = {field.name for field in Api._meta.fields} - written
    api.full_clean(exclude=unwritten, validate_unique=False)
    try:
        with transaction.atomic():
            api.save()
    except IntegrityError:
        raise SlugTaken(field="slug") from None
