"""Changes in words: of a document against the one before it, and of a live API's fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.apis.models import ApiUpdate, ApiVersion, OpenapiImport
from apps.apis.openapi import compare_documents
from apps.apis.services.documents import document_of
from apps.core.ids import parse_public_id

Text = str | Promise

KINDS: Final[dict[str, Text]] = {
    "added": _("Added"),
    "changed": _("Changed"),
    "removed": _("Removed"),
}
# Kind and code of a change: what it says. `name`, `before` and `after` are filled in.
SENTENCES: Final[dict[tuple[str, str], Text]] = {
    ("added", "operation"): _("The operation is new."),
    ("removed", "operation"): _("The operation is gone."),
    ("changed", "operation_deprecated"): _("The operation is deprecated."),
    ("changed", "operation_for_admin"): _("Only keys with the scope admin may call it now."),
    ("changed", "operation_for_all"): _("Keys without the scope admin may call it too now."),
    ("added", "parameter"): _("The parameter %(name)s is new and optional."),
    ("added", "required_parameter"): _("The parameter %(name)s is new and required."),
    ("removed", "parameter"): _("The parameter %(name)s is gone."),
    ("changed", "parameter_required"): _("The parameter %(name)s is required now."),
    ("changed", "parameter_optional"): _("The parameter %(name)s is optional now."),
    ("added", "body"): _("A request body is accepted now."),
    ("added", "required_body"): _("A request body is required now; there was none."),
    ("removed", "body"): _("The request body is gone."),
    ("changed", "body_required"): _("The request body is required now."),
    ("changed", "body_optional"): _("The request body is optional now."),
    ("added", "response"): _("The answer %(name)s is new."),
    ("removed", "response"): _("The answer %(name)s is gone."),
    ("added", "media_type"): _("The media type %(name)s is new."),
    ("removed", "media_type"): _("The media type %(name)s is gone."),
    ("added", "property"): _("The property %(name)s is new."),
    ("added", "required_property"): _("The property %(name)s is new and required."),
    ("removed", "property"): _("The property %(name)s is gone."),
    ("changed", "property_required"): _("The property %(name)s is required now."),
    ("changed", "property_optional"): _("The property %(name)s is optional now."),
    ("changed", "type"): _("The type was %(before)s and is %(after)s."),
    ("changed", "format"): _("The format was “%(before)s” and is “%(after)s”."),
    ("changed", "values"): _("The possible values were %(before)s and are %(after)s."),
    ("changed", "limit"): _("The limit %(name)s was “%(before)s” and is “%(after)s”."),
    ("changed", "choices"): _("%(name)s had %(before)s parts and has %(after)s."),
}
FIELDS: Final[dict[str, Text]] = {
    "upstream_url": _("Upstream base URL"),
    "allowed_methods": _("Allowed methods"),
    "visibility": _("Visibility"),
    "upstream_secrets": _("Headers that the gateway adds"),
    "openapi": _("OpenAPI document"),
    "current_version": _("Current version"),
}


@dataclass(frozen=True, slots=True)
class DescribedChange:
    """One difference of two documents, ready to be shown."""

    kind: str
    kind_label: Text
    subject: str
    text: str
    pointer: str
    is_breaking: bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a live API that would change."""

    name: str
    label: Text
    before: str
    after: str


def describe_changes(changes: Iterable[Mapping[str, Any]]) -> list[DescribedChange]:
    """Put stored changes into words of the reader's language; breaking ones come first."""
    rows = [
        DescribedChange(
            kind=change["kind"],
            kind_label=KINDS[change["kind"]],
            subject=change["subject"],
            text=str(SENTENCES[change["kind"], change["code"]]) % change,
            pointer=change["pointer"] or "/",
            is_breaking=change["is_breaking"],
        )
        for change in changes
    ]
    return sorted(rows, key=lambda row: not row.is_breaking)


def describe_update(update: ApiUpdate) -> list[FieldChange]:
    """Return what a change of a live API replaces with what."""
    return [
        FieldChange(
            name=name,
            label=FIELDS.get(name, name),
            before=_shown(values["before"]),
            after=_shown(values.get("version") or values["after"]),
        )
        for name, values in update.changes.items()
    ]


def document_changes_of(update: ApiUpdate) -> list[dict[str, Any]]:
    """Return what an update changes in the API's document; nothing where it is about fields only."""
    if "openapi" in update.changes:
        key = parse_public_id(OpenapiImport.id_prefix, update.changes["openapi"]["after"])
        row = OpenapiImport.objects.filter(pk=key).defer("document").first()
        return list(row.changes) if row else []
    if "current_version" in update.changes:
        key = parse_public_id(ApiVersion.id_prefix, update.changes["current_version"]["after"])
        found = ApiVersion.objects.filter(pk=key).first()
        current = update.api.versions.filter(is_current=True).first()
        compared = compare_documents(document_of(current), document_of(found))
        return [change.to_json() for change in compared]
    return []


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
