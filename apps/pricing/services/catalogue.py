"""The catalogue's files: loading what they say, and going back to an earlier revision."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.exceptions import Conflict
from apps.pricing.catalogue.content import (
    CatalogueContent,
    digest_of,
    files_at,
    plain,
    read_catalogue,
)
from apps.pricing.catalogue.problems import CatalogueProblem, refusal_of
from apps.pricing.enums import CatalogueOrigin, CatalogueOwner, LoadOutcome
from apps.pricing.exceptions import CatalogueInvalid, CatalogueUnreadable
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision
from apps.pricing.services.catalogue_promotions import PromotionRefusedError, WantedPromotion
from apps.pricing.services.catalogue_writing import (
    CatalogueChange,
    WantedModel,
    lock_catalogue,
    models_by_key,
    write_models,
)


def configured_path() -> Path:
    """Return where the operator keeps the catalogue.

    Raises:
        CatalogueUnreadable: `PRICING_CATALOGUE` is not set.
    """
    if not settings.PRICING_CATALOGUE:
        raise CatalogueUnreadable(_("Set PRICING_CATALOGUE to a file or a directory first."))
    return Path(settings.PRICING_CATALOGUE)


def load_catalogue(*, path: Path, trigger: str, actor: Actor) -> CatalogueLoad:
    """Bring the catalogue to what the files at a path say: all of it, or nothing.

    Models that the files no longer have become inactive; plans that were made from them keep their price. Every attempt
    is noted with its outcome. Loads wait for each other, so that each sees what the one before has done.

    Raises:
        CatalogueUnreadable: nothing can be read there; noted.
        CatalogueInvalid: `errors` names file, line and reason of each problem; noted, and the old catalogue stays.
    """
    digest = ""
    try:
        files = files_at(path)
        digest = digest_of(files)
        content = read_catalogue(files)
        with transaction.atomic():
            return _apply(content, trigger=trigger, actor=actor)
    except (CatalogueInvalid, CatalogueUnreadable) as error:
        problems = error.extra.get("errors") or [
            CatalogueProblem(str(path), 0, 0, "", error.error_code, str(error.detail)).to_json()
        ]
        CatalogueLoad.objects.create(
            trigger=trigger,
            digest=digest,
            outcome=LoadOutcome.REFUSED,
            problems=problems,
            actor_label=actor.label[:200],
        )
        raise


@transaction.atomic
def roll_back_catalogue(
    *, revision: CatalogueRevision, actor: Actor, reason: str
) -> CatalogueRevision:
    """Make the catalogue what it was at a revision, as a new revision.

    Models that came later become inactive. The files are not touched and not loaded again before they change or
    somebody asks for a reload.

    Raises:
        Conflict: a promotion that was redeemed since cannot become what it was.
    """
    lock_catalogue()
    present = models_by_key()
    wanted = {
        key: WantedModel(
            definition=model["definition"],
            owner=CatalogueOwner(model["owner"]),
            is_active=model["is_active"],
            file=model["file"],
        )
        for key, model in revision.content["models"].items()
    }
    wanted |= {
        key: _withdrawn(row) for key, row in present.items() if key not in wanted and row.is_active
    }
    change = CatalogueChange(
        origin=CatalogueOrigin.ROLLBACK,
        actor=actor,
        settings=revision.content["settings"],
        promotions={
            key: WantedPromotion(each["definition"], each["is_active"], each["file"])
            for key, each in revision.content.get("promotions", {}).items()
        },
        restored=revision,
        reason=reason,
    )
    try:
        return write_models(wanted, present, change)
    except PromotionRefusedError as refusal:
        pointer, code, detail = refusal.defects[0]
        text = _("The promotion “%(key)s” cannot go back: %(reason)s")
        raise Conflict(
            text % {"key": refusal.key, "reason": detail}, pointer=pointer, reason=code
        ) from None


def _apply(content: CatalogueContent, *, trigger: str, actor: Actor) -> CatalogueLoad:
    lock_catalogue()
    load = CatalogueLoad(trigger=trigger, digest=content.digest, actor_label=actor.label[:200])
    if _is_applied(content):
        load.outcome = LoadOutcome.UNCHANGED
        load.save()
        return load
    present = models_by_key()
    _require_own(content, present)
    wanted = {
        key: WantedModel(
            definition=plain(entry.definition),
            owner=CatalogueOwner.FILE,
            is_active=entry.definition.get("active", True),
            file=entry.file,
            line=entry.line,
        )
        for key, entry in content.models.items()
    }
    wanted |= {
        key: _withdrawn(row)
        for key, row in present.items()
        if row.owner == CatalogueOwner.FILE and row.is_active and key not in wanted
    }
    change = CatalogueChange(
        origin=CatalogueOrigin.FILE,
        actor=actor,
        digest=content.digest,
        files=content.files,
        settings=content.settings,
        promotions={
            key: WantedPromotion(
                definition=plain(entry.definition),
                is_active=entry.definition.get("active", True),
                file=entry.file,
                line=entry.line,
            )
            for key, entry in content.promotions.items()
        },
    )
    try:
        load.revision = write_models(wanted, present, change)
    except PromotionRefusedError as refusal:
        raise _refusal_of(refusal, content) from None
    load.outcome = LoadOutcome.APPLIED
    load.save()
    return load


def _refusal_of(refusal: PromotionRefusedError, content: CatalogueContent) -> CatalogueInvalid:
    entry = content.promotions[refusal.key]
    return refusal_of(
        CatalogueProblem(
            entry.file, content.line_of(entry, pointer), 1, entry.pointer + pointer, code, detail
        )
        for pointer, code, detail in refusal.defects
    )


def _is_applied(content: CatalogueContent) -> bool:
    """Whether the files are what was applied last; changes over REST touch nothing of theirs, a rollback does."""
    last = CatalogueRevision.objects.exclude(origin=CatalogueOrigin.MANUAL).first()
    return last is not None and last.digest == content.digest


def _require_own(content: CatalogueContent, present: dict[str, CatalogueModel]) -> None:
    """Refuse to overwrite what people keep in the back office, unless the file says that it takes it over."""
    problems = []
    for key, entry in content.models.items():
        row = present.get(key)
        is_foreign = row is not None and row.owner == CatalogueOwner.MANUAL
        if is_foreign and not entry.definition.get("adopt", False):
            text = _(
                "The back office owns “%(key)s”. Choose another id, or write “adopt: true” to take it over."
            )
            problems.append(
                CatalogueProblem(
                    entry.file,
                    entry.line,
                    1,
                    f"{entry.pointer}/id",
                    "owned_elsewhere",
                    text % {"key": key},
                )
            )
    if problems:
        raise refusal_of(problems)


def _withdrawn(row: CatalogueModel) -> WantedModel:
    return WantedModel(
        definition=getattr(row, "definition"),  # noqa: B009 -- an annotation
        owner=CatalogueOwner(row.owner),
        is_active=False,
        file=row.source_file,
        line=row.source_line,
    )
