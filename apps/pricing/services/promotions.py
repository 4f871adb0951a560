"""Writes of promotions: their owner makes, changes, stops and starts them.

An organization's promotion lowers the bills of its own plans; one of no organization is the operator's and may reach every plan.
Redeeming is a matter of subscriptions.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.models import Category
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.drafts import Defect
from apps.pricing.events import PromotionChanged
from apps.pricing.exceptions import (
    InvalidPromotion,
    OwnedByFile,
    PromotionCodeTaken,
    PromotionInUse,
)
from apps.pricing.models import CataloguePromotion, Plan, Promotion
from apps.pricing.promotion_drafts import (
    PROMISED_FIELDS,
    PROMOTION_FIELDS,
    PromotionDraft,
    draft_of_promotion,
    find_promotion_defects,
    normal_code,
)


class _Reach(NamedTuple):
    plans: list[Plan]
    categories: list[Category]


@transaction.atomic
def create_promotion(
    *, draft: PromotionDraft, organization: Organization | None, actor: Actor
) -> Promotion:
    """Offer a promotion from now on, or from its own beginning on.

    Args:
        organization: the provider that bears it; None for the operator.

    Publishes PromotionChanged.

    Raises:
        InvalidPromotion: it cannot be offered; `errors` points at each defect.
        PromotionCodeTaken: the owner has another promotion with this code.
    """
    owner_id = organization.pk if organization else None
    draft = replace(draft, code=normal_code(draft.code))
    reach = _require_valid(draft, owner_id)
    promotion = Promotion(organization=organization)
    _save(promotion, draft, reach)
    _tell(promotion, actor, verb="created", after=_facts(draft))
    return promotion


@transaction.atomic
def update_promotion(*, promotion: Promotion, draft: PromotionDraft, actor: Actor) -> Promotion:
    """Change a promotion. Once it was redeemed, what it takes off and how long stay as they are.

    Publishes PromotionChanged.

    Raises:
        InvalidPromotion: it cannot be offered so; `errors` points at each defect.
        PromotionCodeTaken: the owner has another promotion with this code.
        PromotionInUse: subscribers were promised what would change.
        OwnedByFile: a file of the catalogue defines it.
    """
    require_not_of_file(promotion)
    return rewrite_promotion(promotion=promotion, draft=draft, actor=actor)


@transaction.atomic
def rewrite_promotion(*, promotion: Promotion, draft: PromotionDraft, actor: Actor) -> Promotion:
    """Change a promotion on behalf of its owner, whoever that is; see `update_promotion`."""
    promotion = Promotion.objects.lock(promotion.pk)
    before = draft_of_promotion(promotion)
    draft = replace(draft, code=normal_code(draft.code))
    reach = _require_valid(draft, promotion.organization_id)
    if promotion.redemption_count:
        _require_kept(before, draft)
    if draft.max_redemptions is not None and draft.max_redemptions < promotion.redemption_count:
        text = _("It was redeemed %(count)s times already.") % {"count": promotion.redemption_count}
        raise _invalid([Defect("/max_redemptions", "out_of_range", text)])
    _save(promotion, draft, reach)
    _tell(promotion, actor, verb="updated", before=_facts(before), after=_facts(draft))
    return promotion


@transaction.atomic
def deactivate_promotion(*, promotion: Promotion, actor: Actor) -> Promotion:
    """Let nobody redeem a promotion any more. Who has redeemed it keeps it. Again changes nothing.

    Publishes PromotionChanged.

    Raises:
        OwnedByFile: a file of the catalogue defines it.
    """
    require_not_of_file(promotion)
    return switch_promotion(promotion, actor, is_active=False, verb="deactivated")


@transaction.atomic
def activate_promotion(*, promotion: Promotion, actor: Actor) -> Promotion:
    """Let a promotion be redeemed again. Again changes nothing. Publishes PromotionChanged."""
    require_not_of_file(promotion)
    return switch_promotion(promotion, actor, is_active=True, verb="activated")


def require_not_of_file(promotion: Promotion) -> None:
    """Refuse a promotion that a file of the catalogue owns.

    Raises:
        OwnedByFile: it is changed in its file, which `file` names.
    """
    entry = CataloguePromotion.objects.filter(promotion_id=promotion.pk, is_kept=True).first()
    if entry is not None:
        detail = _("“%(key)s” is defined in the file %(file)s: change it there.")
        place = {"key": entry.key, "file": entry.source_file}
        raise OwnedByFile(detail % place, file=entry.source_file)


def switch_promotion(
    promotion: Promotion, actor: Actor, *, is_active: bool, verb: str
) -> Promotion:
    """Switch a promotion on behalf of its owner, whoever that is, in the caller's transaction."""
    promotion = Promotion.objects.lock(promotion.pk)
    if promotion.is_active == is_active:
        return promotion
    promotion.is_active = is_active
    promotion.save(update_fields=["is_active", "updated_at"])
    _tell(
        promotion,
        actor,
        verb=verb,
        before={"is_active": not is_active},
        after={"is_active": is_active},
    )
    return promotion


def _require_valid(draft: PromotionDraft, owner_id: UUID | None) -> _Reach:
    defects = find_promotion_defects(draft)
    plans = {plan.public_id: plan for plan in _plans_of(draft.plans, owner_id)}
    categories = {row.slug: row for row in Category.objects.filter(slug__in=draft.categories)}
    defects += [
        Defect(f"/plans/{index}", "unknown", _("There is no such plan that you could lower."))
        for index, public_id in enumerate(draft.plans)
        if public_id not in plans
    ]
    defects += [
        Defect(f"/categories/{index}", "unknown", _("There is no such category."))
        for index, slug in enumerate(draft.categories)
        if slug not in categories
    ]
    if defects:
        raise _invalid(defects)
    return _Reach(list(plans.values()), list(categories.values()))


def _plans_of(public_ids: Iterable[str], owner_id: UUID | None) -> list[Plan]:
    keys = []
    for public_id in public_ids:
        try:
            keys.append(parse_public_id(Plan.id_prefix, public_id))
        except InvalidPublicIdError:
            continue  # reported as unknown by the caller
    rows = Plan.objects.filter(pk__in=keys)
    return list(rows if owner_id is None else rows.filter(organization_id=owner_id))


def _require_kept(before: PromotionDraft, after: PromotionDraft) -> None:
    for name in PROMISED_FIELDS:
        if getattr(before, name) != getattr(after, name):
            raise PromotionInUse(field=name)


def _save(promotion: Promotion, draft: PromotionDraft, reach: _Reach) -> None:
    for name in PROMOTION_FIELDS:
        setattr(promotion, name, getattr(draft, name))
    promotion.countries = list(draft.countries)
    try:
        with transaction.atomic():
            promotion.save()
    except IntegrityError as error:
        if "_code" not in str(error):
            raise
        raise PromotionCodeTaken(field="code") from error
    promotion.plans.set(reach.plans)
    promotion.categories.set(reach.categories)


def _invalid(defects: list[Defect]) -> InvalidPromotion:
    errors = [{**defect._asdict(), "detail": str(defect.detail)} for defect in defects]
    return InvalidPromotion(defects[0].detail, errors=errors)


def _facts(draft: PromotionDraft) -> dict[str, object]:
    values = {name: getattr(draft, name) for name in PROMOTION_FIELDS}
    return {**values, "plans": list(draft.plans), "categories": list(draft.categories)}


def _tell(
    promotion: Promotion,
    actor: Actor,
    *,
    verb: str,
    after: dict[str, object],
    before: dict[str, object] | None = None,
) -> None:
    before = before or {}
    changed = {name for name in after if name not in before or before[name] != after[name]}
    record_audit(
        action=f"pricing:promotion:{verb}",
        target=promotion,
        actor=actor,
        before={name: before[name] for name in changed if name in before},
        after={name: after[name] for name in changed},
    )
    publish(
        PromotionChanged(
            promotion_id=promotion.pk, organization_id=promotion.organization_id, kind=verb
        )
    )
