"""An API's life, one service per move (docs/domain/publishing.md draws the machine)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.enums import PlatformLimit
from apps.accounts.models import Organization
from apps.accounts.platform_plans.gates import require_room
from apps.apis import events
from apps.apis.constants import APPROVAL_SUBJECT
from apps.apis.enums import ApiStatus
from apps.apis.exceptions import RequirementsUnmet, SunsetInThePast, SuspendedByOperator
from apps.apis.models import Api
from apps.apis.policy import goes_live_instantly
from apps.apis.requirements import unmet_requirements
from apps.apis.selectors import find_current_version
from apps.apis.selectors.listings import is_suspended_by_operator
from apps.apis.services.moves import is_operator_of, move_api, tell
from apps.apis.services.reminders import reminder_due
from apps.apis.services.updates import withdraw_waiting_updates
from apps.apis.services.versions import publish_current_version
from apps.approvals.services import Submission, open_request
from apps.core import clock
from apps.core.actors import Actor


@transaction.atomic
def submit_api(*, api: Api, actor: Actor) -> Api:
    """Ask to publish an API; check the upstream (`check_upstream`) before.

    Where the category goes live instantly and the provider is verified, the API goes straight to the gateway;
    else an approval request is opened.

    Raises:
        RequirementsUnmet: something is missing; nothing changes.
        InvalidTransition: it is not a draft.
        PlanLimitReached: the provider's plan allows no more published APIs.

    Publishes: ApiSubmitted; in instant mode also ApiApproved and ApiRegistrationRequested.
    """
    api = Api.objects.select_related("category", "organization").get(pk=Api.objects.lock(api.pk).pk)
    unmet = unmet_requirements(api)
    if unmet:
        raise RequirementsUnmet({item.code: str(item.help or item.label) for item in unmet})
    # Parallel submissions count one after the other.
    Organization.objects.lock(api.organization_id)
    require_room(api.organization_id, PlatformLimit.APIS)
    move_api(api, ApiStatus.SUBMITTED, actor=actor)
    tell(events.ApiSubmitted, api)
    if goes_live_instantly(api):
        return approve_api(api=api, actor=Actor.system("instant mode of the category"))
    move_api(api, ApiStatus.PENDING_APPROVAL, actor=actor)
    open_request(submission=_submission_of(api), actor=actor)
    return api


def _submission_of(api: Api) -> Submission:
    version = find_current_version(api)
    return Submission(
        subject_type=APPROVAL_SUBJECT,
        subject_id=api.pk,
        organization=api.organization,
        title=api.name,
        details={"slug": api.slug, "version": version.name if version else ""},
    )


@transaction.atomic
def approve_api(*, api: Api, actor: Actor, comment: str = "") -> Api:
    """Let an API go live: it is registered at the gateway at once.

    Publishes: ApiApproved, ApiRegistrationRequested.
    """
    move_api(api, ApiStatus.APPROVED, actor=actor, reason=comment)
    tell(events.ApiApproved, api)
    return _register(api, actor=actor)


@transaction.atomic
def retry_registration(*, api: Api, actor: Actor) -> Api:
    """Try again to register an API that failed.

    Publishes: ApiRegistrationRequested.
    """
    return _register(api, actor=actor)


def _register(api: Api, *, actor: Actor) -> Api:
    move_api(api, ApiStatus.REGISTERING, actor=actor)
    tell(events.ApiRegistrationRequested, api)
    return api


@transaction.atomic
def reject_api(*, api: Api, actor: Actor, reason: str) -> Api:
    """Refuse a submission; the provider revises it and submits again. Nothing is deleted.

    Publishes: ApiRejected.
    """
    move_api(api, ApiStatus.REJECTED, actor=actor, reason=reason)
    tell(events.ApiRejected, api, reason=reason)
    return api


@transaction.atomic
def withdraw_api(*, api: Api, actor: Actor, reason: str) -> Api:
    """Take a submission back: the API is a draft again.

    Publishes: ApiRejected.
    """
    reject_api(api=api, actor=actor, reason=reason)
    return reopen_api(api=api, actor=actor)


@transaction.atomic
def reopen_api(*, api: Api, actor: Actor) -> Api:
    """Make a rejected API a draft again."""
    move_api(api, ApiStatus.DRAFT, actor=actor)
    return api


@transaction.atomic
def mark_api_active(*, api: Api, actor: Actor) -> Api:
    """Record that every running authorizer knows the API. Idempotent: a second proof changes nothing.

    Raises:
        InvalidTransition: the API was not being registered.

    Publishes: ApiActivated.
    """
    api.refresh_from_db()
    if api.status == ApiStatus.ACTIVE:
        return api
    move_api(api, ApiStatus.ACTIVE, actor=actor, activated_at=api.activated_at or clock.now())
    publish_current_version(api=api, actor=actor)
    tell(events.ApiActivated, api)
    return api


@transaction.atomic
def mark_api_failed(*, api: Api, reason: str, actor: Actor) -> Api:
    """Record that the gateway could not be taught the API in time. Idempotent.

    Raises:
        InvalidTransition: the API was not being registered.

    Publishes: ApiRegistrationFailed.
    """
    api.refresh_from_db()
    if api.status == ApiStatus.FAILED:
        return api
    change = move_api(api, ApiStatus.FAILED, actor=actor, reason=reason)
    tell(events.ApiRegistrationFailed, api, change_id=change.pk, reason=reason)
    return api


@transaction.atomic
def suspend_api(*, api: Api, actor: Actor, reason: str) -> Api:
    """Stop the calls of an active API, by its provider or by the operator.

    Publishes: ApiSuspended.
    """
    change = move_api(api, ApiStatus.SUSPENDED, actor=actor, reason=reason)
    tell(
        events.ApiSuspended,
        api,
        change_id=change.pk,
        reason=reason,
        by_operator=change.by_operator,
    )
    return api


@transaction.atomic
def resume_api(*, api: Api, actor: Actor) -> Api:
    """Let the calls of a suspended API pass again.

    Raises:
        SuspendedByOperator: the operator suspended it, and the actor is not the operator.

    Publishes: ApiResumed.
    """
    if is_suspended_by_operator(api) and not is_operator_of(api, actor):
        raise SuspendedByOperator
    move_api(api, ApiStatus.ACTIVE, actor=actor)
    tell(events.ApiResumed, api)
    return api


@transaction.atomic
def deprecate_api(
    *, api: Api, actor: Actor, reason: str = "", sunset_at: datetime | None = None
) -> Api:
    """Close an API to new subscribers; the present ones may go on, until `sunset_at` if that is announced.

    Raises:
        SunsetInThePast: the date is not in the future.

    Publishes: ApiDeprecated.
    """
    if sunset_at is not None and sunset_at <= clock.now():
        raise SunsetInThePast(field="sunset_at")
    move_api(
        api,
        ApiStatus.DEPRECATED,
        actor=actor,
        reason=reason,
        sunset_at=sunset_at,
        sunset_reminder_days=reminder_due(sunset_at) if sunset_at else None,
    )
    tell(events.ApiDeprecated, api, reason=reason, sunset_at=sunset_at)
    return api


@transaction.atomic
def retire_api(*, api: Api, actor: Actor, reason: str = "", is_due: bool = False) -> Api:
    """End a deprecated API. Its rows stay, because invoices name them; a change that waits is withdrawn.

    `is_due`: nobody asked for it, its announced day has come.

    Publishes: ApiRetired.
    """
    move_api(api, ApiStatus.RETIRED, actor=actor, reason=reason)
    withdraw_waiting_updates(api=api, actor=Actor.system("the API was retired"))
    tell(events.ApiRetired, api, reason=reason, is_due=is_due)
    return api
