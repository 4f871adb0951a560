"""Where an API stands: each state, when, by whom, why, and what is next; on the page and over REST alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.apis import requirements, services
from apps.apis.models import Api, OpenapiImport
from apps.approvals.models import ApprovalAttachment, ApprovalRequest
from apps.approvals.services import add_comment, request_information
from apps.core import clock
from apps.core.actors import Actor
from tests.clients import api_client
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.apis import make_api
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")


@pytest.fixture
def member() -> Membership:
    return make_member("owner")


@pytest.fixture
def browser(member: Membership, client_for: Callable[..., Client]) -> Client:
    return client_for(member)


def page(browser: Client, api: Api) -> str:
    answer = browser.get(reverse("portal:provider_api_history", args=[api.public_id]))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def is_resumable(browser: Client, api: Api) -> bool:
    url = reverse("portal:provider_api", args=[api.public_id])
    action = reverse("portal:provider_api_resume", args=[api.public_id])
    return f'action="{action}"' in browser.get(url).content.decode()


@pytest.mark.parametrize(
    "status", ["draft", "pending_approval", "registering", "active", "failed", "deprecated"]
)
def test_page_and_rest_tell_the_same(browser: Client, member: Membership, status: str) -> None:
    api = make_api(status, organization=member.organization)

    answer = api_client(member).get(f"/api/v1/provider/apis/{api.public_id}/status").json()
    text = page(browser, api)

    assert answer["status"] == status
    assert answer["next"] in text
    assert [row["to_status"] for row in answer["history"]][-1] == status
    for row in answer["history"]:
        assert row["by"] in text
        assert row["reason"] in text
    assert text.count('class="timeline__entry"') == len(answer["history"])


def test_operator_s_suspension_is_not_the_provider_s_to_end(
    browser: Client, member: Membership
) -> None:
    api = make_api("active", organization=member.organization)
    operator = actor_of(make_staff("operator"))
    services.suspend_api(api=api, actor=operator, reason="Terms of use")

    assert "Terms of use" in page(browser, api)
    assert "only they can resume it" in page(browser, api)
    assert not is_resumable(browser, api)
    answer = api_client(member).get(f"/api/v1/provider/apis/{api.public_id}/status").json()
    assert "only they can resume it" in answer["next"]
    assert answer["history"][-1]["by_operator"] is True

    services.resume_api(api=api, actor=operator)
    services.suspend_api(api=api, actor=actor_of(member), reason="Maintenance")
    assert is_resumable(browser, api)
    assert "only they can resume it" not in page(browser, api)


def test_announced_day_and_retirement_by_itself_are_told(
    browser: Client, member: Membership
) -> None:
    api = make_api("active", organization=member.organization)
    sunset = clock.now() + timedelta(days=50)
    services.deprecate_api(api=api, actor=SYSTEM, sunset_at=sunset, reason="Use the new one")

    assert "retired by itself on" in page(browser, api)
    assert "Use the new one" in page(browser, api)
    Api.objects.update(sunset_at=clock.now() - timedelta(minutes=1))
    services.apply_sunsets()
    assert "The announced day has come." in page(browser, api)


def test_instant_mode_says_who_approved(
    browser: Client, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api("draft", organization=member.organization)
    api.organization.is_verified_provider = True
    api.organization.save()
    api.category.go_live_mode = "instant"
    api.category.save()
    monkeypatch.setattr(requirements, "_requirements", {})
    services.submit_api(api=api, actor=actor_of(member))

    assert "instant mode of the category" in page(browser, api)


def test_change_that_waits_is_named(member: Membership) -> None:
    api = make_api("active", organization=member.organization)
    services.update_api(
        api=api, fields={"upstream_url": "https://next.example.com"}, actor=actor_of(member)
    )

    answer = api_client(member).get(f"/api/v1/provider/apis/{api.public_id}/status").json()

    assert answer["pending_update_id"] == api.updates.get().public_id


@pytest.fixture
def asked(member: Membership) -> ApprovalRequest:
    request = make_request(member)
    approver = actor_of(make_staff("approver"))
    add_comment(
        request=request,
        actor=approver,
        body="See the plan",
        is_internal=False,
        files=[SimpleUploadedFile("plan.txt", b"the plan")],
    )
    return request_information(request=request, actor=approver, question="Which terms?")


def test_answer_carries_files_and_files_of_both_sides_are_linked(
    browser: Client, asked: ApprovalRequest
) -> None:
    api = Api.objects.get(pk=asked.subject_id)
    url = reverse("portal:provider_api", args=[api.public_id])

    assert "plan.txt" in browser.get(url).content.decode()
    browser.post(
        reverse("portal:provider_api_answer", args=[api.public_id]),
        {"answer": "These.", "files": [SimpleUploadedFile("terms.txt", b"our terms")]},
    )

    file = ApprovalAttachment.objects.get(name="terms.txt")
    link = reverse("portal:provider_api_attachment", args=[api.public_id, file.public_id])
    assert link in browser.get(url).content.decode()
    answer = browser.get(link)
    assert (answer.content, answer["X-Content-Type-Options"]) == (b"our terms", "nosniff")
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_file_that_is_refused_leaves_the_question_open(
    browser: Client, asked: ApprovalRequest
) -> None:
    api = Api.objects.get(pk=asked.subject_id)

    answer = browser.post(
        reverse("portal:provider_api_answer", args=[api.public_id]),
        {"answer": "These.", "files": [SimpleUploadedFile("x.bin", b"\x00\x01")]},
        follow=True,
    )

    assert "is neither PDF, PNG, JPEG, JSON nor plain text" in unescape(answer.content.decode())
    asked.refresh_from_db()
    assert asked.status == "info_requested"


def test_files_are_not_for_strangers_and_internal_ones_not_for_the_provider(
    browser: Client, asked: ApprovalRequest, client_for: Callable[..., Client]
) -> None:
    api = Api.objects.get(pk=asked.subject_id)
    add_comment(
        request=asked,
        actor=actor_of(make_staff("approver")),
        body="Hm",
        is_internal=True,
        files=[SimpleUploadedFile("secret.txt", b"secret")],
    )
    links = {
        file.name: reverse("portal:provider_api_attachment", args=[api.public_id, file.public_id])
        for file in ApprovalAttachment.objects.all()
    }

    assert browser.get(links["plan.txt"]).status_code == 200
    assert browser.get(links["secret.txt"]).status_code == 404
    assert client_for(make_member("owner")).get(links["plan.txt"]).status_code == 404


def test_back_office_shows_updates_and_imports_with_their_differences(
    member: Membership, client_for: Callable[..., Client]
) -> None:
    api = make_api("active", organization=member.organization)
    services.update_api(
        api=api, fields={"upstream_url": "https://next.example.com"}, actor=actor_of(member)
    )
    row = OpenapiImport.objects.create(
        api=api,
        version_name="2.0",
        document={},
        digest="0",
        changes=[
            {
                "kind": "removed",
                "code": "operation",
                "subject": "GET /now",
                "pointer": "",
                "is_breaking": True,
            }
        ],
    )
    approver = client_for(make_staff("approver"))

    update_url = reverse("admin:apis_apiupdate_change", args=[api.updates.get().pk])
    import_url = reverse("admin:apis_openapiimport_change", args=[row.pk])

    assert "https://next.example.com" in approver.get(update_url).content.decode()
    assert "The operation is gone." in approver.get(import_url).content.decode()
    assert approver.get(reverse("admin:apis_openapiimport_changelist")).status_code == 200
