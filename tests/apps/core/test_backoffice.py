"""The back office: who enters, what waits, scheduled jobs, dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows import login as login_flow
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse

from apps.core import attention, jobs, outbox, relay
from apps.core.attention import AttentionItem
from apps.core.enums import OutboxStatus
from apps.core.models import AuditEvent, DeadLetter, JobRun, OutboxMessage
from marketplace.celery import app as celery_app
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["approver", "operator", "finance"])
def test_staff_enter_and_see_their_tables(role: str) -> None:
    assert client_for(make_staff(role)).get("/backoffice/").status_code == 200


def test_strangers_are_sent_to_the_login_and_members_find_nothing() -> None:
    stranger = Client().get("/backoffice/", follow=True)

    assert stranger.redirect_chain[-1][0] == "/accounts/login/?next=/backoffice/"
    assert client_for(make_member("owner")).get("/backoffice/login/").status_code == 404
    assert client_for(make_member("owner")).get("/backoffice/", follow=True).status_code == 404


def test_second_factor_is_demanded_where_the_setting_says_so(settings: Any) -> None:
    settings.REQUIRE_STAFF_MFA = True
    operator = make_staff("operator")
    client = client_for(operator)

    without = client.get("/backoffice/", follow=True)
    TOTP.activate(operator, generate_totp_secret())
    unproven = client.get("/backoffice/", follow=True)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "type": "totp"}]
    session[login_flow._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(operator.pk)
    session.save()

    assert without.redirect_chain[-1][0] == reverse("mfa_index")
    assert "2fa/reauthenticate" in unproven.redirect_chain[-1][0]
    assert client.get("/backoffice/").status_code == 200


def test_start_page_shows_what_waits_for_this_role_worst_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention, "_providers", {})

    @attention.attention(roles=("operator",))
    def operators_work() -> list[AttentionItem]:
        return [
            AttentionItem(label="Slow things", count=5, url="/slow/"),
            AttentionItem(label="Broken things", count=1, url="/broken/", tone="bad"),
            AttentionItem(label="Nothing", count=0, url="/none/"),
        ]

    operator = client_for(make_staff("operator")).get("/backoffice/").text
    approver = client_for(make_staff("approver")).get("/backoffice/").text

    assert operator.index("Broken things") < operator.index("Slow things")
    assert "/none/" not in operator
    assert "Broken things" not in approver


def count(_context: jobs.JobContext) -> dict[str, int]:
    """Count something."""
    return {"counted": 3}


jobs.job("test.count")(count)
DESCRIPTION = jobs._registered.pop("test.count")


@pytest.fixture
def counting_job(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(jobs._registered, "test.count", DESCRIPTION)
    return "test.count"


@pytest.fixture
def eager_tasks() -> Iterator[None]:
    celery_app.conf.update(task_always_eager=True)
    yield
    celery_app.conf.update(task_always_eager=False)


def test_schedule_page_runs_a_job_and_shows_its_result(
    counting_job: str,
    django_capture_on_commit_callbacks: Callable[..., Any],
    eager_tasks: None,
) -> None:
    client = client_for(make_staff("operator"))
    before = client.get("/backoffice/schedule/").text

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"/backoffice/schedule/{counting_job}/run/")

    assert response.status_code == 302
    run = JobRun.objects.get(name=counting_job)
    assert (run.status, run.trigger, run.result) == ("succeeded", "manual", {"counted": 3})
    after = client.get("/backoffice/schedule/").text
    assert "Count something." in before
    assert "counted: 3" in after
    assert "counted: 3" not in before
    assert AuditEvent.objects.filter(action="core:job:started").count() == 1


@pytest.mark.parametrize("role", ["approver", "finance"])
def test_schedule_is_for_operators(role: str, counting_job: str) -> None:
    client = client_for(make_staff(role))

    assert client.get("/backoffice/schedule/").status_code == 403
    assert client.post(f"/backoffice/schedule/{counting_job}/run/").status_code == 403
    assert not JobRun.objects.filter(name=counting_job).exists()


@pytest.fixture
def dead_message(monkeypatch: pytest.MonkeyPatch) -> OutboxMessage:
    """A message whose handler fails until `handler.works`."""

    class Unreachable(Exception):  # noqa: N818 -- what the peer is
        pass

    def fail(_payload: dict[str, Any]) -> None:
        raise Unreachable("no route")

    monkeypatch.setitem(outbox._handlers, "test.fail", fail)
    message = outbox.enqueue("test.fail", {"x": 1})
    OutboxMessage.objects.update(attempts=outbox.MAX_ATTEMPTS - 1)
    relay.drain()
    return message


def act(client: Client, action: str, reason: str) -> Any:
    letter = DeadLetter.objects.get()
    data = {"action": action, "_selected_action": [str(letter.pk)], "reason": reason}
    return client.post("/backoffice/core/deadletter/", data, follow=True)


def test_dead_letter_is_retried_with_all_its_attempts(
    dead_message: OutboxMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered: list[dict[str, Any]] = []
    monkeypatch.setitem(outbox._handlers, "test.fail", delivered.append)

    act(client_for(make_staff("operator")), "retry_selected", "peer is back")
    relay.drain()

    dead_message.refresh_from_db()
    assert (dead_message.status, delivered) == (OutboxStatus.DELIVERED, [{"x": 1}])
    letter = DeadLetter.objects.get()
    assert (letter.resolution, letter.resolution_note) == ("retried", "peer is back")
    assert AuditEvent.objects.get(action="core:dead_letter:retried").reason == "peer is back"


def test_dead_letter_is_discarded_only_with_a_reason(dead_message: OutboxMessage) -> None:
    client = client_for(make_staff("operator"))

    refused = act(client, "discard_selected", " ")
    assert "Say why." in refused.text
    assert DeadLetter.objects.get().resolution == ""
    act(client, "discard_selected", "obsolete")

    assert DeadLetter.objects.get().resolution == "discarded"
    dead_message.refresh_from_db()
    assert dead_message.status == OutboxStatus.DEAD


def test_audit_log_shows_and_changes_nothing(dead_message: OutboxMessage) -> None:
    act(client_for(make_staff("operator")), "discard_selected", "obsolete")
    event = AuditEvent.objects.get(action="core:dead_letter:discarded")
    client = client_for(make_staff("finance"))

    assert "core:dead_letter:discarded" in client.get("/backoffice/core/auditevent/").text
    page = client.get(f"/backoffice/core/auditevent/{event.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.text
    assert client.get("/backoffice/core/auditevent/add/").status_code == 403
