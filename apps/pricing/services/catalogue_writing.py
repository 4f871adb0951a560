"""What every change of the catalogue shares: the lock, model rows with their versions, and the revision at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.db.models import OuterRef, Subquery

from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import require_transaction
from apps.core.events import publish
from apps.pricing.enums import CatalogueOrigin, CatalogueOwner
from apps.pricing.events import CatalogueModelChanged
from apps.pricing.models import CatalogueModel, CatalogueModelVersion, CatalogueRevision
from apps.pricing.services.catalogue_promotions import (
    WantedPromotion,
    promotions_snapshot,
    write_promotions,
)

# Any number that no other advisory lock has.
CATALOGUE_LOCK_ID: Final = 7_041_006
# They say nothing of the price: a model that is switched off and on again is the same version.
NOT_KEPT: Final = frozenset({"active", "adopt"})


@dataclass(frozen=True, slots=True)
class WantedModel:
    """How a model is to be."""

    definition: dict[str, Any]
    owner: CatalogueOwner
    is_active: bool
    file: str = ""
    line: int | None = None


@dataclass(slots=True)
class CatalogueChange:
    """A change on its way to a revision."""

    origin: CatalogueOrigin
    actor: Actor
    digest: str = ""
    files: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    # None leaves them as they are.
    promotions: dict[str, WantedPromotion] | None = None
    restored: CatalogueRevision | None = None
    reason: str = ""


def lock_catalogue() -> CatalogueRevision | None:
    """Wait until nobody else changes the catalogue, and return its newest revision."""
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CATALOGUE_LOCK_ID])
    return CatalogueRevision.objects.first()


def models_by_key() -> dict[str, CatalogueModel]:
    """Return every model with its newest definition as `definition`."""
    newest = CatalogueModelVersion.objects.filter(model=OuterRef("pk")).order_by("-number")
    rows = CatalogueModel.objects.annotate(
        definition=Subquery(newest.values("definition")[:1]),
        version_number=Subquery(newest.values("number")[:1]),
    )
    return {row.key: row for row in rows}


def write_models(
    wanted: Mapping[str, WantedModel],
    present: Mapping[str, CatalogueModel],
    change: CatalogueChange,
) -> CatalogueRevision:
    """Bring the named models to what is wanted, and note the whole catalogue as a new revision.

    A new definition is a new version; versions stay. Publishes CatalogueModelChanged for each.
    """
    number = (CatalogueRevision.objects.values_list("number", flat=True).first() or 0) + 1
    revision = CatalogueRevision.objects.create(
        number=number,
        origin=change.origin,
        digest=change.digest,
        files=change.files,
        restored=change.restored,
        actor_label=change.actor.label[:200],
        reason=change.reason,
    )
    for key, model in wanted.items():
        _write_model(key, model, present.get(key), revision)
    if change.promotions is not None:
        write_promotions(change.promotions, change.actor)
    revision.content = {
        "settings": change.settings,
        "models": _snapshot(),
        "promotions": promotions_snapshot(),
    }
    revision.save(update_fields=["content", "updated_at"])
    record_audit(
        action=f"pricing:catalogue:{_VERBS[change.origin]}",
        target=revision,
        actor=change.actor,
        after={"number": number, "models": sorted(wanted)},
        reason=change.reason,
    )
    return revision


_VERBS: Final[Mapping[str, str]] = {
    CatalogueOrigin.FILE: "loaded",
    CatalogueOrigin.MANUAL: "changed",
    CatalogueOrigin.ROLLBACK: "rolled_back",
}


def _write_model(
    key: str, wanted: WantedModel, row: CatalogueModel | None, revision: CatalogueRevision
) -> None:
    kept = {name: item for name, item in wanted.definition.items() if name not in NOT_KEPT}
    before = getattr(row, "definition", None)
    last = getattr(row, "version_number", None) or 0
    row = row or CatalogueModel(key=key)
    row.name, row.kind = kept["name"], kept["type"]
    row.description = kept.get("description", "")
    row.owner, row.is_active = wanted.owner, wanted.is_active
    row.source_file, row.source_line = wanted.file, wanted.line
    row.save()
    if kept == before:
        return
    version = CatalogueModelVersion.objects.create(
        model=row, number=last + 1, definition=kept, revision=revision
    )
    publish(CatalogueModelChanged(model_id=row.pk, version_id=version.pk), key=str(row.pk))


def _snapshot() -> dict[str, Any]:
    return {
        key: {
            "owner": row.owner,
            "file": row.source_file,
            "is_active": row.is_active,
            "definition": getattr(row, "definition"),  # noqa: B009 -- an annotation
        }
        for key, row in models_by_key().items()
    }
