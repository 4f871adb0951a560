"""Finding anomalies: every few minutes the hour that runs and the last whole hour, of all subjects of a time zone together.

A subject is a subscription, for its consumer, or an API with all its subscriptions, for its provider. Sandboxes have none:
a test clock that was moved leaves holes that would look like drops.

Source: docs/domain/alerts.md §2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.core import clock
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.models import Subscription
from apps.usage.anomaly_rules import HOUR, WEEKS, Finding, HourCount, judge, past_hours
from apps.usage.enums import Sensitivity
from apps.usage.models import AnomalySetting, UsageAnomaly
from apps.usage.selectors import usage_is_complete
from apps.usage.selectors.anomalies import count_hours, first_hours
from apps.usage.services.anomalies import close_if_over, open_or_extend

PER_LOOK: Final = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose calls are compared, and who is told."""

    organization_id: UUID
    api_id: UUID
    subscription_id: UUID | None
    timezone: str
    members: tuple[UUID, ...]

    @property
    def key(self) -> tuple[UUID, UUID, UUID | None]:
        """What makes it one subject."""
        return self.organization_id, self.api_id, self.subscription_id


def find_anomalies(now: datetime | None = None) -> dict[str, int]:
    """Look at the last whole hour and at the hour that runs; return how many incidents began and ended.

    The last hour counts once every shipper and the inbox have passed its end, so that calls on their way are no drop.
    """
    now = now or clock.now()
    by_zone: dict[str, list[Subject]] = defaultdict(list)
    for subject in _subjects(now):
        by_zone[subject.timezone].append(subject)
    counts = {"began": 0, "ended": forget_ended_subscriptions()}
    for timezone, subjects in sorted(by_zone.items()):
        running = _hour_of(now, timezone)
        is_complete = usage_is_complete(running)
        for start in range(0, len(subjects), PER_LOOK):
            part = subjects[start : start + PER_LOOK]
            if is_complete:
                _add(counts, _look(part, running - HOUR, is_whole=True))
            _add(counts, _look(part, running, is_whole=False))
    return counts


def forget_ended_subscriptions() -> int:
    """End the incidents of subscriptions that have ended, without telling anybody; return how many."""
    return UsageAnomaly.objects.filter(
        resolved_at__isnull=True, subscription__status__in=ENDED_STATUSES
    ).update(resolved_at=clock.now())


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        counts[name] += count


def _hour_of(now: datetime, timezone: str) -> datetime:
    local = now.astimezone(ZoneInfo(timezone))
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def _subjects(now: datetime) -> Iterator[Subject]:
    """Yield subscriptions and APIs that have had weeks to be compared with. One query."""
    rows = (
        Subscription.objects.live()
        .filter(started_at__lt=now - timedelta(weeks=4))
        .select_related("consumer_organization", "provider_organization")
        .order_by("pk")
    )
    by_api: dict[tuple[UUID, UUID, str], list[UUID]] = defaultdict(list)
    for row in rows.iterator():
        if not row.consumer_organization.is_sandbox:
            yield Subject(row.consumer_organization_id, row.api_id, row.pk, row.timezone, (row.pk,))
            provider = row.provider_organization
            if not provider.is_sandbox:
                by_api[provider.pk, row.api_id, provider.timezone].append(row.pk)
    for (organization_id, api_id, timezone), members in by_api.items():
        yield Subject(organization_id, api_id, None, timezone, tuple(members))


def _look(subjects: Sequence[Subject], hour: datetime, *, is_whole: bool) -> dict[str, int]:
    """Judge one hour of many subjects. Five queries, and what begins or ends."""
    alignments = past_hours(hour, subjects[0].timezone)
    members = sorted({pk for subject in subjects for pk in subject.members})
    asked = sorted({hour, *(past for one in alignments for past in one)})
    counted, first = count_hours(members, asked), first_hours(members)
    wanted = sensitivities(subjects)
    running = _open_incidents(subjects)
    began = ended = 0
    for subject in subjects:
        samples = [_samples(subject, one, counted, first) for one in alignments]
        findings = judge(
            _sum(subject, hour, counted), samples, wanted[subject.key], is_whole=is_whole
        )
        for finding in findings:
            began += open_or_extend(
                organization_id=subject.organization_id,
                api_id=subject.api_id,
                subscription_id=subject.subscription_id,
                hour=hour,
                finding=finding,
                known=running.get(subject.key, {}),
            )
        if is_whole:
            ended += _end(running.get(subject.key, {}), findings, hour)
    return {"began": began, "ended": ended}


def _end(known: Mapping[str, UsageAnomaly], findings: Sequence[Finding], hour: datetime) -> int:
    out = {finding.kind for finding in findings}
    return sum(
        close_if_over(anomaly=row, hour=hour) for kind, row in known.items() if kind not in out
    )


def _samples(
    subject: Subject,
    hours: Sequence[datetime],
    counted: Mapping[tuple[UUID, datetime], HourCount],
    first: Mapping[UUID, datetime],
) -> list[HourCount]:
    """Return the hours since the subject's first call; one without calls counts as zero."""
    begins = min((first[pk] for pk in subject.members if pk in first), default=None)
    if begins is None:
        return []
    return [_sum(subject, hour, counted) for hour in hours if hour >= begins]


def _sum(
    subject: Subject, hour: datetime, counted: Mapping[tuple[UUID, datetime], HourCount]
) -> HourCount:
    found = [counted[pk, hour] for pk in subject.members if (pk, hour) in counted]
    return HourCount(sum(one.calls for one in found), sum(one.errors for one in found))


def _open_incidents(
    subjects: Iterable[Subject],
) -> dict[tuple[UUID, UUID, UUID | None], dict[str, UsageAnomaly]]:
    known: dict[tuple[UUID, UUID, UUID | None], dict[str, UsageAnomaly]] = defaultdict(dict)
    rows = UsageAnomaly.objects.filter(
        organization_id__in={subject.organization_id for subject in subjects},
        resolved_at__isnull=True,
    )
    for row in rows:
        known[row.organization_id, row.api_id, row.subscription_id][row.kind] = row
    return known


def sensitivities(
    subjects: Iterable[Subject],
) -> dict[tuple[UUID, UUID, UUID | None], str]:
    """Return what each subject's organization chose: for its API, else for everything, else `normal`. One query."""
    chosen = {
        (row.organization_id, row.api_id): row.sensitivity
        for row in AnomalySetting.objects.filter(
            organization_id__in={subject.organization_id for subject in subjects}
        )
    }
    return {
        subject.key: chosen.get((subject.organization_id, subject.api_id))
        or chosen.get((subject.organization_id, None))
        or Sensitivity.NORMAL
        for subject in subjects
    }


def subject_of(anomaly: UsageAnomaly) -> Subject:
    """Return whose calls an anomaly is about, for its plot. One query for a provider's, none for a consumer's."""
    if anomaly.subscription is not None:
        own = anomaly.subscription
        return Subject(anomaly.organization_id, anomaly.api_id, own.pk, own.timezone, (own.pk,))
    members = Subscription.objects.filter(
        api_id=anomaly.api_id, consumer_organization__is_sandbox=False
    ).values_list("pk", flat=True)
    zone = anomaly.organization.timezone
    return Subject(anomaly.organization_id, anomaly.api_id, None, zone, tuple(members))


def counts_around(
    subject: Subject, hours: Sequence[datetime]
) -> list[tuple[HourCount, list[HourCount]]]:
    """Return hours with the same hours of the weeks before, by the local clock. Two queries."""
    past = {hour: past_hours(hour, subject.timezone)[0] for hour in hours}
    asked = sorted({*hours, *(one for found in past.values() for one in found)})
    counted = count_hours(subject.members, asked)
    first = first_hours(subject.members)
    return [
        (_sum(subject, hour, counted), _samples(subject, past[hour][:WEEKS], counted, first))
        for hour in hours
    ]
