"""The back office's gateway pages, and those of plans, subscriptions and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.attention import attention_items
from apps.core.models import JobRun
from apps.gateway.enums import SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.valkey import get_client, get_writer
from tests.apps.gateway.test_sync import step_and_prove
from tests.factories.accounts import actor_of, make_staff
from tests.factories.keys import make_key

pytestmark = pytest.mark.django_db

Connect = Callable[..., Client]


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[None]:
    settings.REQUIRE_STAFF_MFA = False
    get_client().flushdb()
    yield
    get_client().flushdb()


@pytest.mark.parametrize(
    "model",
    [
        "gateway_authorizernode",
        "gateway_registryentry",
        "gateway_reconciliationreport",
        "pricing_plan",
        "pricing_priceversion",
        "subscriptions_subscription",
        "keys_apikey",
        "keys_keyalert",
        "keys_keyleak",
    ],
)
def test_operator_opens_every_list(model: str, client_for: Connect) -> None:
    make_key()
    step_and_prove(get_writer())

    page = client_for(make_staff("operator")).get(reverse(f"admin:{model}_changelist"))

    assert page.status_code == 200


def test_gateway_lists_are_for_operators_only(client_for: Connect) -> None:
    url = reverse("admin:gateway_registryentry_changelist")

    assert client_for(make_staff("approver")).get(url).status_code == 403


def test_key_page_never_shows_the_digest(client_for: Connect) -> None:
    key = make_key().key

    page = client_for(make_staff("operator")).get(
        reverse("admin:keys_apikey_change", args=[key.pk])
    )

    assert page.status_code == 200
    assert key.digest not in page.content.decode()


def test_operator_suspends_and_revokes_with_a_reason(client_for: Connect) -> None:
    key = make_key().key
    client = client_for(make_staff("operator"))

    for model, action, row in (
        ("subscriptions_subscription", "suspend_selected", key.subscription),
        ("keys_apikey", "revoke_selected", key),
    ):
        client.post(
            reverse(f"admin:{model}_changelist"),
            {"action": action, "reason": "abuse", "_selected_action": [str(row.pk)]},
        )
        row.refresh_from_db()

    assert (key.subscription.status, key.subscription.status_reason) == ("suspended", "abuse")
    assert (key.status, key.status_reason) == ("revoked", "abuse")


def test_reconcile_button_starts_the_job(client_for: Connect) -> None:
    client_for(make_staff("operator")).post(reverse("admin:gateway_reconcile"))

    assert JobRun.objects.get().name == "gateway.reconcile"


def test_attention_names_entries_that_never_arrived() -> None:
    make_key()
    RegistryEntry.objects.filter(kind="key").update(state=SyncState.FAILED)

    labels = [str(item.label) for item in attention_items(actor_of(make_staff("operator")))]

    assert "No authorizer is serving: every call is refused" in labels
    assert "Registry entries that no authorizer has proven" in labels
