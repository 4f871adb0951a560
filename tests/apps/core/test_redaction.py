"""Secrets and people are recognised by name and by shape."""

from __future__ import annotations

import pytest

from apps.core.redaction import REMOVED, redact, redact_text


@pytest.mark.parametrize(
    "secret",
    [
        "tgk_live_0123456789abcdefghij",
        "tgk_test_0123456789abcdefghij",
        "tgt_abcdefghijklmnopqrstuvwxyz",
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "Bearer abcdef0123456789",
        "first.last+tag@mail.example.co.uk",
    ],
)
def test_text_loses_what_looks_like_a_secret(secret: str) -> None:
    assert redact_text(f"before {secret}, after") == f"before {REMOVED}, after"


def test_url_loses_its_password() -> None:
    url = "postgres://tollgate:hunter22@db:5432/tollgate"

    assert redact_text(url) == f"postgres://{REMOVED}@db:5432/tollgate"


def test_members_lose_values_by_their_names_at_any_depth() -> None:
    data = {
        "headers": {"Authorization": "x", "Cookie": "y", "Accept": "text/html"},
        "form": [{"password": "z", "idempotency_key": "order-7", "token_count": 3}],
        "csrftoken": None,
    }

    assert redact(data) == {
        "headers": {"Authorization": REMOVED, "Cookie": REMOVED, "Accept": "text/html"},
        "form": [{"password": REMOVED, "idempotency_key": "order-7", "token_count": 3}],
        "csrftoken": None,
    }


def test_ordinary_text_stays() -> None:
    text = "invoice inv_06f8 of org_06f9 paid: 12.50 EUR for 3 212 calls at 10:15"

    assert redact_text(text) == text
