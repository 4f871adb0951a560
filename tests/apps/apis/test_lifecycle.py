"""An API's life through its services."""

from __future__ import annotations

import pytest

from apps.apis import requirements, services
from apps.apis.enums import ApiStatus, GoLiveMode
from apps.apis.exceptions import RequirementsUnmet, SuspendedByOperator
from apps.apis.models import Api
from apps.apis.requirements import requirements_of
from apps.apis.transitions import API
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import approve_request, cancel_request, reject_request
from apps.core.actors import Actor
from apps.core.exceptions import InvalidTransition
from tests.apps.apis.conftest import Upstream
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.apis import ApiFactory, ApiVersionFactory, CategoryFactory, make_api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_own_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what higher apps demand; their tests cover it."""
    own = {item.code: item for item in requirements.OWN_REQUIREMENTS}
    monkeypatch.setattr(requirements, "_requirements", own)


def submitted(upstream: Upstream) -> tuple[Api, Actor]:
    api = ApiFactory(upstream_url=upstream.url)
    actor = actor_of(make_member("developer", api.organization))
    services.check_upstream(api=api)
    return services.submit_api(api=api, actor=actor), actor


def history_of(api: Api) -> list[str]:
    return [change.to_status for change in api.status_changes.all()]


def test_submit_approve_activate_walks_every_state(upstream: Upstream) -> None:
    api, _actor = submitted(upstream)
    version = ApiVersionFactory(api=api)
    approver = actor_of(make_staff("approver"))

    approve_request(request=ApprovalRequest.objects.get(), actor=approver, comment="Fine")
    services.mark_api_active(api=api, actor=Actor.system("gateway"))

    assert history_of(api) == [
        "draft",
        "submitted",
        "pending_approval",
        "approved",
        "registering",
        "active",
    ]
    api.refresh_from_db()
    version.refresh_from_db()
    assert api.activated_at is not None
    assert version.status == "published"


def test_submit_api_without_healthy_upstream_changes_nothing(upstream: Upstream) -> None:
    upstream.answers["/"] = (500, b"broken")
    api = ApiFactory(upstream_url=upstream.url)
    check = services.check_upstream(api=api)

    with pytest.raises(RequirementsUnmet) as refusal:
        services.submit_api(api=api, actor=actor_of(make_member("owner", api.organization)))

    assert list(refusal.value.unmet) == ["reachable_upstream"]
    assert check.error == "It answered 500 instead of 200."
    assert Api.objects.get(pk=api.pk).status == "draft"
    assert not ApprovalRequest.objects.exists()


def test_check_of_another_upstream_does_not_count(upstream: Upstream) -> None:
    api = ApiFactory(upstream_url=upstream.url)
    services.check_upstream(api=api)
    actor = actor_of(make_member("owner", api.organization))

    services.update_api(api=api, fields={"upstream_url": "https://other.example.com"}, actor=actor)

    unmet = [state.code for state in requirements_of(api) if not state.is_met]
    assert unmet == ["reachable_upstream"]


def test_submit_api_twice_is_refused(upstream: Upstream) -> None:
    api, actor = submitted(upstream)

    with pytest.raises(InvalidTransition):
        services.submit_api(api=api, actor=actor)

    assert ApprovalRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("is_verified", "expected"), [(True, "registering"), (False, "pending_approval")]
)
def test_instant_mode_is_for_verified_providers(
    upstream: Upstream, expected: str, *, is_verified: bool
) -> None:
    api = ApiFactory(
        upstream_url=upstream.url,
        category=CategoryFactory(go_live_mode=GoLiveMode.INSTANT),
        organization=OrganizationFactory(is_verified_provider=is_verified),
    )
    services.check_upstream(api=api)

    services.submit_api(api=api, actor=actor_of(make_member("owner", api.organization)))

    assert Api.objects.get(pk=api.pk).status == expected


def test_rejected_api_keeps_its_rows_and_is_revised(upstream: Upstream) -> None:
    api, actor = submitted(upstream)
    approver = actor_of(make_staff("approver"))

    reject_request(request=ApprovalRequest.objects.get(), actor=approver, comment="Say more")
    api.refresh_from_db()
    assert (api.status, api.status_reason) == ("rejected", "Say more")
    services.update_api(api=api, fields={"short_description": "More"}, actor=actor)
    services.submit_api(api=api, actor=actor)

    assert history_of(api)[-4:] == ["rejected", "draft", "submitted", "pending_approval"]
    assert ApprovalRequest.objects.count() == 2


def test_withdrawn_submission_is_a_draft_again(upstream: Upstream) -> None:
    api, actor = submitted(upstream)

    cancel_request(request=ApprovalRequest.objects.get(), actor=actor)

    api.refresh_from_db()
    assert api.status == "draft"
    assert history_of(api)[-2:] == ["rejected", "draft"]


def test_failed_registration_can_be_retried_and_marks_are_idempotent() -> None:
    api = make_api("failed")

    services.mark_api_failed(api=api, reason="again", actor=Actor.system("gateway"))
    services.retry_registration(api=api, actor=Actor.system("operator"))
    services.mark_api_active(api=api, actor=Actor.system("gateway"))
    services.mark_api_active(api=api, actor=Actor.system("gateway"))

    assert history_of(api)[-3:] == ["failed", "registering", "active"]


def test_provider_resumes_only_what_it_suspended_itself() -> None:
    api = make_api("active")
    provider = actor_of(make_member("developer", api.organization))
    operator = actor_of(make_staff("operator"))

    services.suspend_api(api=api, actor=provider, reason="maintenance")
    services.resume_api(api=api, actor=provider)
    services.suspend_api(api=api, actor=operator, reason="abuse")
    with pytest.raises(SuspendedByOperator):
        services.resume_api(api=api, actor=provider)
    services.resume_api(api=api, actor=operator)

    assert history_of(api)[-4:] == ["suspended", "active", "suspended", "active"]


def test_every_state_but_the_first_is_reached_by_some_move() -> None:
    reached = {state for current in API.states for state in API.allowed_from(current)}

    assert reached | {ApiStatus.DRAFT} == set(ApiStatus)
    assert API.terminal == {ApiStatus.RETIRED}


@pytest.mark.parametrize("status", ["draft", "pending_approval", "failed", "deprecated"])
def test_mark_api_active_refuses_other_states(status: str) -> None:
    api = make_api(status)

    with pytest.raises(InvalidTransition):
        services.mark_api_active(api=api, actor=Actor.system("gateway"))
