"""What an upstream says in `X-Meter` becomes the properties of the call's event."""

from __future__ import annotations

import json

import pytest

from apps.core.ids import uuid7
from apps.gateway.journal import JournalRecord
from apps.gateway.shipper.events import completed_event, meter_values, parse_log_line


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("tokens=381", {"tokens": "381"}),
        ("Tokens = 381, rows=4,", {"tokens": "381", "rows": "4"}),
        ('model="large", cost=-0.5e3', {"model": "large", "cost": "-0.5e3"}),
        ("tokens=1, tokens=2", {"tokens": "2"}),
        ("tokens, =3, a=b=c, x=1;y, ünit=1, n=\x00", {}),
        (f"long={'9' * 61}", {}),
    ],
)
def test_header_is_read(header: str, expected: dict[str, str]) -> None:
    assert meter_values(header) == expected


def test_at_most_twenty_values_are_taken() -> None:
    assert len(meter_values(", ".join(f"m{number}=1" for number in range(30)))) == 20


@pytest.mark.parametrize(("meter", "expected"), [("tokens=7", {"tokens": "7"}), ("", {})])
def test_log_line_gives_the_event_its_properties(meter: str, expected: dict[str, str]) -> None:
    line = parse_log_line(
        json.dumps(
            {
                "ts": 1.0,
                "request": {"method": "GET"},
                "status": 200,
                "size": 1,
                "bytes_read": 0,
                "duration": 0.01,
                "uuid": "r1",
                "subscription_id": "sub_1",
                "meter": meter,
            }
        ).encode()
    )
    assert line is not None
    record = JournalRecord(
        event_id=str(uuid7()),
        request_id="r1",
        decided_at=1_700_000_000_000,
        key_id="key_1",
        subscription_id="sub_1",
        api_id="api_1",
        node="node-1",
        method="GET",
        path="/x",
    )

    assert completed_event(record, line).properties == expected
