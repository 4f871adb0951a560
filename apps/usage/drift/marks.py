"""Which counters are compared, and what each held at the moment of the comparison's mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from apps.core.clock import Period
from apps.core.ids import parse_public_id
from apps.gateway.quotas import LiveQuota, read_live_quotas
from apps.gateway.store.counters import CounterColdError, CounterStore
from apps.keys.models import ApiKey
from apps.subscriptions.enums import LIVE_STATUSES
from apps.subscriptions.models import Subscription
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.enums import DriftScope
from apps.usage.models import QuotaState
from apps.usage.selectors import used_calls_for

AT_ONCE: Final = 1_000
# A run takes a minute or two; after this its marks lapse by themselves.
LAPSES_AFTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Mark:
    """A counter at a moment of real time; `agreed_at` is when it last agreed with the windows.

    `offset` is how far the account's test clock runs ahead.
    """

    subscription_id: UUID
    sub_id: str
    org_id: str
    period: Period
    limit: int | None
    counter: int
    at: datetime
    offset: timedelta
    agreed_at: datetime | None

    @property
    def period_start_ms(self) -> int:
        """The period's name in the store."""
        return round(self.period.start.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Candidate:
    quota: LiveQuota
    row_id: UUID
    offset: timedelta
    state: QuotaState | None


def candidates(scope: DriftScope, used_since: datetime | None) -> Iterator[list[Candidate]]:
    """Return the subscriptions to compare, in groups: all that the store knows, or those in use.

    In use is a counter that is not what the last comparison left, or a key that was used since then.
    """
    rows = Subscription.objects.filter(status__in=LIVE_STATUSES).order_by("id")
    offsets = rows.values_list("id", "consumer_organization__clock_offset").iterator(AT_ONCE)
    while group := dict(islice(offsets, AT_ONCE)):
        found = _known_to_the_store(group)
        if scope == DriftScope.RECENT:
            found = _in_use(found, used_since)
        if found:
            yield found


def _known_to_the_store(offsets: dict[UUID, timedelta]) -> list[Candidate]:
    public_ids = [Subscription(pk=pk).public_id for pk in offsets]
    quotas = read_live_quotas(public_ids)
    states = {
        (state.subscription_id, state.period_start): state
        for state in QuotaState.objects.filter(subscription_id__in=offsets)
    }
    found = []
    for sub_id, quota in quotas.items():
        pk = parse_public_id(Subscription.id_prefix, sub_id)
        state = states.get((pk, quota.period.start))
        found.append(Candidate(quota, pk, offsets[pk], state))
    return found


def _in_use(found: list[Candidate], since: datetime | None) -> list[Candidate]:
    if since is None:
        return found
    ids = [item.row_id for item in found]
    used = set(
        ApiKey.objects.filter(subscription_id__in=ids, last_used_at__gte=since).values_list(
            "subscription_id", flat=True
        )
    )
    return [
        item
        for item in found
        if item.row_id in used or item.state is None or item.state.used_calls != item.quota.used
    ]


def raise_low_counters(store: CounterStore, found: Sequence[Candidate]) -> dict[str, int]:
    """Raise each counter that is below what was counted already; return by how much, by subscription.

    No counter may be below the windows, whatever is on its way: what was counted was let through before. The windows
    are read first.
    """
    questions = {
        item.quota.subscription_id: UsageQuestion(item.row_id, item.quota.period) for item in found
    }
    counted = used_calls_for(list(questions.values()))
    raised = {}
    for sub_id, quota in ((item.quota.subscription_id, item.quota) for item in found):
        least = counted[questions[sub_id]]
        if quota.used >= least:
            continue
        start = round(quota.period.start.timestamp() * 1000)
        try:
            store.raise_to(
                org_id=quota.organization_id, sub_id=sub_id, period_start=start, least=least
            )
        except CounterColdError:  # gone meanwhile; it is created again from the windows
            continue
        raised[sub_id] = least - quota.used
    return raised


def set_marks(store: CounterStore, comparison_id: str, found: Sequence[Candidate]) -> list[Mark]:
    """Read each counter under a mark; calls go on meanwhile."""
    opened = store.open_comparisons(
        comparison_id,
        [(item.quota.organization_id, item.quota.subscription_id) for item in found],
        lapses_after_ms=LAPSES_AFTER // timedelta(milliseconds=1),
    )
    marks = []
    for item, comparison in zip(found, opened, strict=True):
        start = round(item.quota.period.start.timestamp() * 1000)
        if start not in comparison.periods:
            continue
        marks.append(
            Mark(
                subscription_id=item.row_id,
                sub_id=item.quota.subscription_id,
                org_id=item.quota.organization_id,
                period=item.quota.period,
                limit=item.quota.limit,
                counter=comparison.periods[start],
                at=datetime.fromtimestamp(comparison.at / 1000, tz=UTC),
                offset=item.offset,
                agreed_at=item.state.compared_at if item.state else None,
            )
        )
    return marks
