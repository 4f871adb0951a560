"""What is looked for first lets no unsafe path by, and slugs are read as they are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.gateway.paths import SLUG_PATTERN, SUSPECT_PATH_PATTERN, UNSAFE_PATH_PATTERN

targets = st.lists(
    st.sampled_from(
        [
            "/",
            "//",
            "..",
            ".",
            "%2e",
            "%2F",
            "%2f",
            "%5C",
            "\\",
            "%0a",
            "%7F",
            "?",
            "a",
            "v1.0",
            "http://h",
        ]
    ),
    max_size=8,
).map("".join)


@given(target=targets)
@example("/a/../b")
@example("/a%2fb")
@example("/a\\b")
@example("/a%0db?x")
@example("http://host/a/%2e%2e/b")
def test_unsafe_target_is_suspect(target: str) -> None:
    if re.match(UNSAFE_PATH_PATTERN, target):
        assert re.match(SUSPECT_PATH_PATTERN, target)


@pytest.mark.parametrize("target", ["/weather/today", "/weather?q=1.5%20\\", "/", "/a/b/c"])
def test_plain_target_is_not_suspect(target: str) -> None:
    assert not re.match(SUSPECT_PATH_PATTERN, target)


@given(name=st.text("ab0-_A", max_size=9))
@example("a-b--c0")
@example("-a")
@example("a-")
def test_slug_begins_and_ends_with_a_letter_or_digit(name: str) -> None:
    found = re.match(SLUG_PATTERN, f"/{name}/x")

    assert bool(found) == bool(re.fullmatch("[a-z0-9-]+", name) and name.strip("-") == name)
    if found:
        assert found[1] == name
