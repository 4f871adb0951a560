"""The audit trail is written with its change and cannot be edited."""

import pytest
from django.db import DatabaseError, transaction

from apps.accounts.models import Organization
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import TransactionRequiredError
from apps.core.models import AuditEvent
from apps.core.money import Money

pytestmark = pytest.mark.django_db


def make_event() -> AuditEvent:
    organization = Organization.objects.create(name="Acme", slug="acme")
    with transaction.atomic():
        return record_audit(
            action="accounts:organization:created",
            target=organization,
            actor=Actor.system("test"),
            organization_id=organization.pk,
            after={"name": "Acme", "limit": Money(500, "USD")},
        )


def test_record_audit_keeps_actor_target_and_plain_values() -> None:
    event = make_event()

    stored = AuditEvent.objects.get(pk=event.pk)
    assert stored.target_type == "accounts.organization"
    assert stored.actor_kind == "system"
    assert stored.after == {"name": "Acme", "limit": {"amount_minor": 500, "currency": "USD"}}


@pytest.mark.parametrize("change", ["update", "delete"])
def test_audit_event_refuses_change(change: str) -> None:
    event = make_event()
    rows = AuditEvent.objects.filter(pk=event.pk)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(action="other") if change == "update" else rows.delete()

    assert AuditEvent.objects.get(pk=event.pk).action == "accounts:organization:created"


@pytest.mark.django_db(transaction=True)
def test_record_audit_outside_transaction_is_refused() -> None:
    organization = Organization.objects.create(name="Acme", slug="acme")

    with pytest.raises(TransactionRequiredError):
        record_audit(action="a:b:c", target=organization, actor=Actor.system("test"))

    assert not AuditEvent.objects.exists()
