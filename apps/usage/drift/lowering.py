"""Lowering, by hand, a counter that is above what was counted and that no comparison could explain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import forbid_transaction
from apps.core.exceptions import NotFound, RuleViolated, Unavailable
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.gateway.store.counters import CounterColdError, CounterStore
from apps.subscriptions.models import Subscription
from apps.usage.enums import DriftStatus
from apps.usage.exceptions import CounterExplained
from apps.usage.models import DriftReport

UNEXPLAINED = "unexplained"
BY_HAND = "by_hand"
_UNFINISHED = (DriftStatus.RUNNING, DriftStatus.FAILED, DriftStatus.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class HighCounter:
    """A counter that the last comparison could not explain; `excess` is by how many calls it is too high."""

    subscription: Subscription
    report: DriftReport
    period_start: datetime
    counter: int
    excess: int


def find_high_counter(subscription_id: str) -> HighCounter:
    """Return what the last comparison says of a subscription's counter.

    Raises:
        NotFound: there is no such subscription.
        CounterExplained: that comparison found the counter in order, or somebody has lowered it since.
    """
    subscription = _find(subscription_id)
    report = DriftReport.objects.exclude(status__in=_UNFINISHED).order_by("-id").first()
    finding = _finding_of(report, subscription.public_id) if report else None
    if report is None or finding is None:
        raise CounterExplained
    return HighCounter(
        subscription=subscription,
        report=report,
        period_start=datetime.fromisoformat(finding["period_start"]),
        counter=finding["counter"],
        excess=finding["counter"] - finding["most"],
    )


def lower_counter(
    *, store: CounterStore, subscription_id: str, actor: Actor, reason: str
) -> HighCounter:
    """Lower a counter by what the last comparison found too much in it; calls made since stay counted.

    Each finding can be lowered once. Windows, and so bills, never change because of a counter. Valkey is asked after the
    intention is stored, so the call must not stand in a transaction; where it does not answer, the intention is taken back.

    Raises:
        RuleViolated: no reason is given.
        NotFound, CounterExplained: as in `find_high_counter`.
        Unavailable: Valkey does not answer, or the counter was begun anew; the next comparison looks again.
        TransactionForbiddenError: called inside a transaction.
    """
    forbid_transaction()
    reason = reason.strip()
    if not reason:
        raise RuleViolated(_("Say why."), field="reason")
    found = find_high_counter(subscription_id)
    _note(found, BY_HAND, actor=actor, reason=reason)
    is_done = False
    try:
        store.adjust(
            org_id=found.subscription.consumer_organization.public_id,
            sub_id=found.subscription.public_id,
            period_start=round(found.period_start.timestamp() * 1000),
            delta=-found.excess,
        )
        is_done = True
    except CounterColdError:
        text = _("The counter is being made anew. Look at the next comparison.")
        raise Unavailable(text) from None
    except RedisError:
        raise Unavailable(_("Valkey did not answer. Nothing was changed.")) from None
    finally:
        if not is_done:
            _note(found, UNEXPLAINED, actor=actor, reason=_("Valkey did not lower it."))
    return found


@transaction.atomic
def _note(found: HighCounter, outcome: str, *, actor: Actor, reason: str) -> None:
    """Write into the report, once, what is done about a finding."""
    report = DriftReport.objects.select_for_update().get(pk=found.report.pk)
    before = UNEXPLAINED if outcome == BY_HAND else BY_HAND
    finding = _finding_of(report, found.subscription.public_id, before)
    if finding is None:  # somebody else was faster
        raise CounterExplained
    finding["outcome"] = outcome
    finding["delta"] = -found.excess if outcome == BY_HAND else 0
    finding["by_hand_at"] = clock.now().isoformat()
    report.save(update_fields=["details", "updated_at"])
    record_audit(
        action="usage:drift:lowered_by_hand" if outcome == BY_HAND else "usage:drift:not_lowered",
        target=report,
        actor=actor,
        organization_id=found.subscription.consumer_organization_id,
        before={"subscription": found.subscription.public_id, "counter": found.counter},
        after={"lowered_by": found.excess if outcome == BY_HAND else 0},
        reason=reason,
    )


def _finding_of(
    report: DriftReport, subscription_id: str, outcome: str = UNEXPLAINED
) -> dict[str, Any] | None:
    rows: list[dict[str, Any]] = report.details.get("findings", [])
    return next(
        (
            row
            for row in rows
            if row["subscription"] == subscription_id
            and row["outcome"] == outcome
            and row["counter"] > row["most"]
        ),
        None,
    )


def _find(subscription_id: str) -> Subscription:
    try:
        pk: UUID = parse_public_id(Subscription.id_prefix, subscription_id)
    except InvalidPublicIdError:
        raise NotFound from None
    rows = Subscription.objects.select_related("consumer_organization", "api")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row
