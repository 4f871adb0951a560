"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, Forbidden, RuleViolated


class AlreadySubscribed(Conflict):
    """The workspace has a subscription to this API that has not ended; `subscription_id` names it."""

    code = "already_subscribed"
    title = _("This workspace is subscribed to the API already")


class PlanNotOffered(Conflict):
    """The plan takes no new subscribers."""

    code = "plan_not_offered"
    title = _("This plan takes no new subscribers")


class ApiNotAvailable(Conflict):
    """The API takes no new subscribers: it is not active."""

    code = "api_not_available"
    title = _("This API takes no new subscribers")


class CardRequired(RuleViolated):
    """The trial or paid service needs a saved card, and the account has none."""

    code = "card_required"
    title = _("Save a card first")


class RenewalFixed(Conflict):
    """Whether another term follows is not the consumer's to choose here."""

    code = "renewal_fixed"
    title = _("Renewal cannot be switched here")


class NothingToWithdraw(Conflict):
    """There is no scheduled cancellation."""

    code = "no_cancellation_scheduled"
    title = _("No cancellation is scheduled")


class CancellationAlreadyScheduled(Conflict):
    """The subscription ends at the end of its period already."""

    code = "cancellation_scheduled"
    title = _("The cancellation is scheduled already")


class NotASubscriber(Forbidden):
    """Only organizations whose subscription to the API has started, even if it ended since, may review it."""

    code = "not_a_subscriber"
    title = _("Only subscribers of the API may review it")


class OwnApiNotReviewable(Forbidden):
    """An organization cannot review its own API."""

    code = "own_api_not_reviewable"
    title = _("Your organization cannot review its own API")


class SandboxCannotReview(Forbidden):
    """Sandbox accounts subscribe without paying, so their opinion does not count."""

    code = "sandbox_cannot_review"
    title = _("A sandbox account cannot review APIs")


class ReviewIsHidden(Conflict):
    """A moderator hid the review; it stays as it is, as the record of that decision."""

    code = "review_hidden"
    title = _("A moderator hid this review")


class ReviewNotHidden(Conflict):
    """The review is shown already."""

    code = "review_not_hidden"
    title = _("This review is not hidden")


class ReviewNotReported(Conflict):
    """No report of the review waits for a decision."""

    code = "review_not_reported"
    title = _("No report of this review waits for a decision")


class SubscriptionHasEnded(Conflict):
    """It has ended, so there is nothing left to change."""

    code = "subscription_ended"
    title = _("The subscription has ended")


class NoQuotaToTopUp(Conflict):
    """The plan has no quota, so there is nothing to add calls to."""

    code = "no_quota"
    title = _("The plan has no quota")


class NoSpendCap(Conflict):
    """No spend cap is set."""

    code = "no_spend_cap"
    title = _("No spend cap is set")


class SpendCapBelowFees(RuleViolated):
    """The fees that are due in each period cost more than the cap."""

    code = "spend_cap_below_fees"
    title = _("The plan's fees cost more than this cap")


class NotPublished(Conflict):
    """Subscribers are moved to a published version only."""

    code = "version_not_published"
    title = _("The version is not published yet")


class MoveTooSoon(RuleViolated):
    """Subscribers need more notice."""

    code = "move_too_soon"
    title = _("Subscribers need more notice")


class MoveAlreadyRunning(Conflict):
    """One move of a plan's subscribers runs at a time; it can be called off."""

    code = "move_running"
    title = _("Another move of this plan’s subscribers runs")


class MoveNotRunning(Conflict):
    """It is over, or was called off."""

    code = "move_not_running"
    title = _("The move does not run any more")


class NobodyToMove(Conflict):
    """Every subscriber has this version or a later one."""

    code = "nobody_to_move"
    title = _("Nobody is on an earlier version")


class OtherPeriods(Conflict):
    """A move keeps the periods of its subscribers: interval and alignment of the version must be theirs."""

    code = "other_periods"
    title = _("The version has other periods than its subscribers; offer it as a plan of its own")


class NothingToChange(Conflict):
    """The subscription has this plan, price and quantity already."""

    code = "nothing_to_change"
    title = _("The subscription has this plan and quantity already")


class PlanOfAnotherApi(RuleViolated):
    """A subscription stays with its API; another API needs another subscription."""

    code = "plan_of_another_api"
    title = _("This plan is for another API")


class PlanNeedsApproval(Conflict):
    """Its provider decides who gets this plan."""

    code = "plan_needs_approval"
    title = _("The provider of the API decides on subscriptions to this plan")


class NotChangeable(Conflict):
    """In its present state the plan of a subscription cannot be changed."""

    code = "subscription_not_changeable"
    title = _("The plan of this subscription cannot be changed now")


class ChangedMeanwhile(Conflict):
    """The subscription or the amounts differ from what was previewed; preview again."""

    code = "changed_meanwhile"
    title = _("The subscription or the amounts have changed since the preview")


class NoPlannedChange(Conflict):
    """No change of plan waits for the end of the period."""

    code = "no_change_scheduled"
    title = _("No change of plan is scheduled")
