"""The text of a key: one module that the web application and the authorizer share."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.keys import credential


@given(st.sampled_from(["live", "test"]))
def test_generated_keys_are_well_formed_and_differ(environment: credential.Environment) -> None:
    first = credential.generate_key(environment)
    second = credential.generate_key(environment)

    assert first.startswith(f"tgk_{environment}_")
    assert len(first) == 48
    assert credential.is_well_formed(first)
    assert first != second


@given(st.integers(min_value=0, max_value=47), st.sampled_from(credential.ALPHABET + "_- é"))
def test_any_changed_character_is_noticed(position: int, character: str) -> None:
    key = credential.generate_key("live")
    changed = key[:position] + character + key[position + 1 :]

    assert credential.is_well_formed(changed) == (changed == key)


@given(st.text(max_size=60))
def test_invented_text_is_no_key(text: str) -> None:
    assert not credential.is_well_formed(text)


def test_checksum_is_that_of_the_published_format() -> None:
    body = "tgk_live_" + "0" * 32

    assert credential.checksum(body) == "1nXbzB"
    assert credential.is_well_formed(f"{body}_1nXbzB")


@pytest.mark.parametrize("key", ["", "tgk_live_", "tgk_prod_" + "0" * 32 + "_000000"])
def test_malformed_key_is_refused(key: str) -> None:
    assert not credential.is_well_formed(key)


def test_digest_is_hmac_sha256_in_hex() -> None:
    key = "tgk_live_" + "0" * 32 + "_1nXbzB"

    assert len(credential.digest_of(key, b"pepper")) == 64
    assert credential.digest_of(key, b"pepper") != credential.digest_of(key, b"other")


def test_credential_module_imports_no_django() -> None:
    code = (
        "import sys, apps.keys.credential; print(any(m.startswith('django') for m in sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "False"
