"""Meters of a provider: made, renamed, archived. What they count never changes once it was used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.enums import PlatformLimit
from apps.accounts.platform_plans.gates import require_room
from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.usage.constants import MAX_METERS
from apps.usage.exceptions import MeterArchived, MeterInUse, MeterKeyTaken
from apps.usage.meter_drafts import FIXED_FIELDS, FREE_FIELDS, MeterDraft, require_valid
from apps.usage.meter_endpoints import resolve_endpoints
from apps.usage.models import Meter
from apps.usage.selectors.meters import is_in_use, is_offered


@transaction.atomic
def create_meter(*, api: Api, draft: MeterDraft, actor: Actor) -> Meter:
    """Begin to count something of an API's calls, from now on.

    Raises:
        InvalidInput: a field is wrong.
        MeterKeyTaken: the API has, or had, a meter of this key.
        RuleViolated: the API has as many meters as it may.
        PlanLimitReached: it has as many as the provider's plan allows.
    """
    require_valid(draft)
    endpoints = resolve_endpoints(api, draft)
    Api.objects.lock(api.pk)
    count = Meter.objects.filter(api=api, archived_at=None).count()
    if count >= MAX_METERS:
        detail = _("An API has at most %(limit)s meters.") % {"limit": MAX_METERS}
        raise RuleViolated(detail, code="too_many_meters")
    require_room(api.organization_id, PlatformLimit.METERS_PER_API, field="key", used=count)
    meter = Meter(organization_id=api.organization_id, api=api, key=draft.key, endpoints=endpoints)
    for name in (*FIXED_FIELDS, *FREE_FIELDS):
        setattr(meter, name, _stored(draft, name))
    try:
        with transaction.atomic():
            meter.save(force_insert=True)
    except IntegrityError:
        raise MeterKeyTaken(field="key") from None
    record_audit(action="usage:meter:created", target=meter, actor=actor, after=_facts(meter))
    return meter


@transaction.atomic
def update_meter(*, meter: Meter, draft: MeterDraft, actor: Actor) -> Meter:
    """Change a meter. Its key stays; what decides its quantity stays once it has counted or is priced.

    A new watermark delay counts for windows that begin after it.

    Raises:
        InvalidInput: a field is wrong.
        MeterInUse: the change would alter what was counted or is sold.
        MeterArchived: it counts no more.
    """
    meter = Meter.objects.lock(meter.pk)
    _require_running(meter)
    require_valid(replace(draft, key=meter.key))
    before = _facts(meter)
    changed = [name for name in FIXED_FIELDS if getattr(meter, name) != _stored(draft, name)]
    if changed and is_in_use(meter):
        raise MeterInUse(field=changed[0])
    if changed:
        meter.endpoints = resolve_endpoints(meter.api, draft)
    for name in (*FIXED_FIELDS, *FREE_FIELDS):
        setattr(meter, name, _stored(draft, name))
    meter.save()
    record_audit(
        action="usage:meter:updated", target=meter, actor=actor, before=before, after=_facts(meter)
    )
    return meter


@transaction.atomic
def archive_meter(*, meter: Meter, actor: Actor) -> Meter:
    """Stop counting. What was counted stays, and is billed with its period.

    Raises:
        MeterArchived: it was archived before.
        MeterInUse: a plan that takes subscribers charges for it.
    """
    meter = Meter.objects.lock(meter.pk)
    _require_running(meter)
    if is_offered(meter):
        raise MeterInUse(_("A plan on offer charges for it. Publish a price without it first."))
    meter.archived_at = clock.now()
    meter.save(update_fields=["archived_at", "updated_at"])
    record_audit(action="usage:meter:archived", target=meter, actor=actor, after={"key": meter.key})
    return meter


def _require_running(meter: Meter) -> None:
    if meter.archived_at is not None:
        raise MeterArchived


def _stored(draft: MeterDraft, name: str) -> Any:
    value = getattr(draft, name)
    return [dict(item) for item in value] if name in {"filters", "group_by"} else value


def _facts(meter: Meter) -> dict[str, object]:
    facts = {name: getattr(meter, name) for name in (*FIXED_FIELDS, *FREE_FIELDS)}
    return {"key": meter.key, **facts, "conversion_factor": str(meter.conversion_factor)}
