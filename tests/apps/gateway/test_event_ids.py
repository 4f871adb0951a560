"""Event ids are UUIDs of version 7 that carry their time and never repeat."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from apps.gateway.authorizer.event_ids import EventIds

NOW_MS = 1_795_309_302_580


def test_ids_are_version_7_with_their_time_and_differ() -> None:
    ids = EventIds()

    minted = [ids.mint(NOW_MS + number // 3) for number in range(2_000)]

    assert len(set(minted)) == len(minted)
    for number, text in enumerate(minted):
        parsed = UUID(text)
        assert str(parsed) == text
        assert (parsed.version, parsed.variant) == (7, RFC_4122)
        assert parsed.int >> 80 == NOW_MS + number // 3
    # Each of the four variants of the ninth byte comes.
    assert {text[19] for text in minted} == set("89ab")
