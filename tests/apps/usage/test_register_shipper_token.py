from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import ServiceToken
from tests.clients import api_client

pytestmark = pytest.mark.django_db

TOKEN = "tgt_" + "a" * 40


def test_registered_token_may_send_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_TOKEN", TOKEN)
    call_command("register_shipper_token")
    call_command("register_shipper_token")

    response = api_client().post(
        "/api/v1/usage/events", {"events": []}, headers={"Authorization": f"Bearer {TOKEN}"}
    )

    assert ServiceToken.objects.count() == 1
    assert response.json()["code"] == "no_events"


def test_new_token_replaces_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in (TOKEN, TOKEN + "b"):
        monkeypatch.setenv("SHIPPER_TOKEN", secret)
        call_command("register_shipper_token")

    old = api_client().post("/api/v1/usage/events", headers={"Authorization": f"Bearer {TOKEN}"})

    assert old.status_code == 401
    assert ServiceToken.objects.filter(revoked_at__isnull=True).count() == 1


@pytest.mark.parametrize("secret", ["", "tgt_short", "x" * 50])
def test_weak_token_is_refused(monkeypatch: pytest.MonkeyPatch, secret: Any) -> None:
    monkeypatch.setenv("SHIPPER_TOKEN", secret)

    with pytest.raises(CommandError, match="SHIPPER_TOKEN"):
        call_command("register_shipper_token")

    assert not ServiceToken.objects.exists()
