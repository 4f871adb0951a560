"""Pricing models that people keep in the back office or over REST. Those of files are changed there."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.pricing.catalogue.compiling import CatalogueSettings, check_definition
from apps.pricing.catalogue.content import plain
from apps.pricing.enums import CatalogueOrigin, CatalogueOwner
from apps.pricing.exceptions import OwnedByFile, PricingModelInvalid, PricingModelTaken
from apps.pricing.models import CatalogueModel, CatalogueRevision
from apps.pricing.services.catalogue_writing import (
    CatalogueChange,
    WantedModel,
    lock_catalogue,
    models_by_key,
    write_models,
)


@transaction.atomic
def create_pricing_model(*, definition: Any, actor: Actor) -> CatalogueModel:
    """Add a model that the back office owns.

    Args:
        definition: what a file of the catalogue would say of it; numbers may be digits as text.
        actor: who asks.

    Raises:
        PricingModelInvalid: it cannot be sold; `errors` points at each defect.
        PricingModelTaken: there is a model with its id.
    """
    newest = lock_catalogue()
    _require_good(definition, newest)
    present = models_by_key()
    key = definition["id"]
    if key in present:
        raise PricingModelTaken(field="id")
    return _write(CatalogueModel(key=key), definition, newest=newest, actor=actor)


@transaction.atomic
def update_pricing_model(*, model: CatalogueModel, definition: Any, actor: Actor) -> CatalogueModel:
    """Replace a model's definition; a change of the price is a new version. Publishes CatalogueModelChanged.

    Raises:
        OwnedByFile: a file defines it.
        PricingModelInvalid: it cannot be sold, or has another id; `errors` points at each defect.
    """
    newest = lock_catalogue()
    present = models_by_key()
    row = present[model.key]
    require_manual(row)
    _require_good(definition, newest)
    if definition["id"] != row.key:
        detail = _("The id of a model does not change.")
        raise PricingModelInvalid(detail, errors=[_error("/id", "unexpected", detail)])
    return _write(row, definition, newest=newest, actor=actor)


@transaction.atomic
def set_pricing_model_active(
    *, model: CatalogueModel, is_active: bool, actor: Actor
) -> CatalogueModel:
    """Offer a model to providers, or stop to; plans that were made from it keep their price.

    Raises:
        OwnedByFile: a file defines it.
    """
    newest = lock_catalogue()
    present = models_by_key()
    row = present[model.key]
    require_manual(row)
    if row.is_active == is_active:
        return row
    definition = {**getattr(row, "definition"), "active": is_active}  # noqa: B009 -- an annotation
    return _write(row, definition, newest=newest, actor=actor)


def require_manual(model: CatalogueModel) -> None:
    """Refuse a model that a file owns.

    Raises:
        OwnedByFile: it is changed in its file, which `file` names.
    """
    if model.owner == CatalogueOwner.FILE:
        detail = _("“%(key)s” is defined in the file %(file)s: change it there.")
        place = {"key": model.key, "file": model.source_file}
        raise OwnedByFile(detail % place, file=model.source_file)


def _write(
    row: CatalogueModel,
    definition: dict[str, Any],
    *,
    newest: CatalogueRevision | None,
    actor: Actor,
) -> CatalogueModel:
    wanted = WantedModel(
        definition=plain(definition),
        owner=CatalogueOwner.MANUAL,
        is_active=definition.get("active", row.is_active),
    )
    change = CatalogueChange(
        origin=CatalogueOrigin.MANUAL, actor=actor, settings=_settings_at(newest)
    )
    write_models({row.key: wanted}, {row.key: row}, change)
    return CatalogueModel.objects.get(key=row.key)


def _require_good(definition: Any, newest: CatalogueRevision | None) -> None:
    defects = check_definition(definition, CatalogueSettings.of(_settings_at(newest)))
    if defects:
        errors = [_error(*defect) for defect in defects]
        raise PricingModelInvalid(defects[0].detail, errors=errors)


def _settings_at(revision: CatalogueRevision | None) -> dict[str, Any]:
    return revision.content["settings"] if revision else {}


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}
