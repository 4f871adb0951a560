"""The same event again, whenever and by whomever it is sent: worked cases of other engines, by our identity of events."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest

from apps.core import clock
from apps.core.actors import Actor
from apps.subscriptions.models import Subscription
from apps.usage.ingestion import accept_batch
from apps.usage.models import UsageWindow
from apps.usage.processing import process_next_batch
from apps.usage.services.retention import forget_identities
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event, provider_of
from tests.vectors import outcome_of, vectors

pytestmark = pytest.mark.django_db


def sender(source: str, subscription: Subscription) -> Actor:
    return PLATFORM if source == "gateway" else provider_of(subscription)


@pytest.mark.parametrize("source", ["gateway", "provider"])
@vectors("dedupe")
def test_event_is_counted_once_however_late_it_comes_again(
    kind: str, vector: dict[str, Any], source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each receipt at its own hour, in a batch of its own, with what may be forgotten forgotten before."""
    subscription, began = make_subscription_row(), clock.now()
    given = vector["input"]
    for number, row in enumerate(given["events"]):
        now = began + timedelta(hours=row["received_at_hours"])
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        forget_identities()
        name = "|".join(row[field] for field in given["key_fields"])
        event = make_event(
            subscription,
            id=str(uuid5(NAMESPACE_OID, name)),
            occurred_at=began,
            request_id=str(uuid5(NAMESPACE_OID, f"call {name}")),
            source=source,
        )
        body = json.dumps({"events": [event]}).encode()
        accept_batch(body=body, batch_key=str(number), actor=sender(source, subscription))
        process_next_batch()

    counted = sum(window.event_count for window in UsageWindow.objects.all())
    assert counted == outcome_of(vector)["counted"]
