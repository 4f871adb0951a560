"""Organizations, workspaces and the test clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.accounts import services
from apps.accounts.events import ClockAdvanced
from apps.accounts.exceptions import ClockBackwards, NotASandbox, SlugTaken
from apps.accounts.models import Organization, Workspace
from apps.core import clock, events
from apps.core.exceptions import RuleViolated
from apps.core.models import AuditEvent
from tests.factories.accounts import OrganizationFactory, UserFactory, actor_of, make_member

pytestmark = pytest.mark.django_db


def test_create_organization_makes_default_workspace_and_owner() -> None:
    owner = UserFactory()

    organization = services.create_organization(
        name="Acme Weather", owner=owner, actor=actor_of(owner), country="FR", currency="EUR"
    )

    assert (organization.slug, organization.billing_email) == ("acme-weather", owner.email)
    assert list(organization.workspaces.values_list("slug", "is_default")) == [("default", True)]
    assert list(organization.memberships.values_list("user", "role")) == [(owner.pk, "owner")]
    audit = AuditEvent.objects.get(action="accounts:organization:created")
    assert (audit.organization_id, audit.actor_user_id) == (organization.pk, owner.pk)


def test_create_organization_of_the_same_name_gets_another_slug() -> None:
    owner = UserFactory()
    first, second = (
        services.create_organization(name="Acme", owner=owner, actor=actor_of(owner))
        for _ in range(2)
    )

    assert first.slug == "acme"
    assert second.slug.startswith("acme-")


def test_create_organization_refuses_an_unknown_time_zone_and_leaves_nothing() -> None:
    owner = UserFactory()

    with pytest.raises(ValidationError):
        services.create_organization(
            name="Acme", owner=owner, actor=actor_of(owner), timezone="Mars/Olympus"
        )

    assert not Organization.objects.exists()


def test_update_organization_audits_before_and_after() -> None:
    member = make_member("owner")

    services.update_organization(
        organization=member.organization, actor=actor_of(member), currency="EUR"
    )

    audit = AuditEvent.objects.get(action="accounts:organization:changed")
    assert (audit.before, audit.after) == ({"currency": "USD"}, {"currency": "EUR"})


def test_create_workspace_refuses_a_taken_name() -> None:
    member = make_member("owner")
    arguments: dict[str, Any] = {"organization": member.organization, "actor": actor_of(member)}
    services.create_workspace(name="Staging", **arguments)

    with pytest.raises(SlugTaken):
        services.create_workspace(name="staging", **arguments)

    assert Workspace.objects.filter(organization=member.organization).count() == 2


@pytest.fixture
def sandbox() -> Organization:
    owner = UserFactory()
    return services.create_sandbox_organization(name="Box", owner=owner, actor=actor_of(owner))


def test_advance_clock_moves_business_time_and_tells(
    sandbox: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[ClockAdvanced] = []
    receiver = events._Receiver("test", ClockAdvanced, heard.append, in_transaction=True)
    monkeypatch.setitem(events._by_event, ClockAdvanced, [receiver])
    actor = actor_of(sandbox.memberships.get())

    services.advance_clock(organization=sandbox, actor=actor, by=timedelta(days=31))

    sandbox.refresh_from_db()
    assert sandbox.clock_offset == timedelta(days=31)
    assert clock.business_now(sandbox) - clock.now() == pytest.approx(
        timedelta(days=31), abs=timedelta(seconds=1)
    )
    assert heard[0].to_time - heard[0].from_time == timedelta(days=31)
    assert AuditEvent.objects.filter(action="accounts:clock:advanced").count() == 1


def test_advance_clock_to_a_time_lands_there(sandbox: Organization) -> None:
    target = clock.now() + timedelta(days=45)

    services.advance_clock(
        organization=sandbox, actor=actor_of(sandbox.memberships.get()), to=target
    )

    sandbox.refresh_from_db()
    assert abs(clock.business_now(sandbox) - target) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (timedelta(0), ClockBackwards),
        (timedelta(seconds=-1), ClockBackwards),
        (timedelta(days=2000), RuleViolated),
    ],
)
def test_advance_clock_refuses_backwards_and_too_far(
    sandbox: Organization, step: timedelta, error: type[Exception]
) -> None:
    with pytest.raises(error):
        services.advance_clock(
            organization=sandbox, actor=actor_of(sandbox.memberships.get()), by=step
        )

    sandbox.refresh_from_db()
    assert sandbox.clock_offset == timedelta(0)


def test_advance_clock_refuses_real_organizations() -> None:
    member = make_member("owner", OrganizationFactory())

    with pytest.raises(NotASandbox):
        services.advance_clock(
            organization=member.organization, actor=actor_of(member), by=timedelta(days=1)
        )
