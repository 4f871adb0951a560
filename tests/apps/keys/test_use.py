"""A key's last use moves forward, to the minute, and never back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.keys.services import KeyUse, note_key_uses
from tests.factories.keys import make_key

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "used_at", "after"),
    [
        (None, NINE, NINE),
        (NINE, NINE + timedelta(minutes=2), NINE + timedelta(minutes=2)),
        (NINE, NINE + timedelta(seconds=59), NINE),
        (NINE, NINE - timedelta(days=1), NINE),
    ],
)
def test_last_use_only_moves_forward(
    before: datetime | None, used_at: datetime, after: datetime
) -> None:
    key = make_key().key
    type(key).objects.filter(pk=key.pk).update(last_used_at=before)

    note_key_uses(last_uses={key.pk: KeyUse(used_at)})

    key.refresh_from_db()
    assert key.last_used_at == after


def test_last_address_is_kept_and_no_other() -> None:
    key = make_key().key

    for minute, address in enumerate(("192.0.2.1", "2001:db8::7", None, "nowhere")):
        use = KeyUse(NINE + timedelta(minutes=2 * minute), address)
        assert note_key_uses(last_uses={key.pk: use}) == 1

    key.refresh_from_db()
    assert (key.last_used_ip, key.last_used_at) == ("2001:db8::7", NINE + timedelta(minutes=6))
