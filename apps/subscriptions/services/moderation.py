"""Reviews that people report, and what moderators do about them."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import Forbidden, RuleViolated
from apps.subscriptions.constants import REASON_LENGTH
from apps.subscriptions.events import ReviewModerated
from apps.subscriptions.exceptions import ReviewIsHidden, ReviewNotHidden, ReviewNotReported
from apps.subscriptions.models import Rating, RatingReport
from apps.subscriptions.services.reviews import announce, count_ratings


@transaction.atomic
def report_review(*, rating: Rating, reason: str, actor: Actor) -> RatingReport:
    """Ask the moderators to look at a review; again by the same person changes the reason.

    A report that was dealt with is not opened again by the same person.

    Raises:
        RuleViolated: no reason.
        Forbidden: nobody is signed in.
    """
    reason = _reason(reason)
    reporter_id = actor.user_id or actor.token_id
    if reporter_id is None:
        raise Forbidden
    report, is_new = RatingReport.objects.get_or_create(
        rating=rating, reporter_id=reporter_id, defaults={"reason": reason}
    )
    if is_new:
        record_audit(
            action="subscriptions:review:reported", target=rating, actor=actor, reason=reason
        )
    elif report.resolved_at is None and report.reason != reason:
        report.reason = reason
        report.save(update_fields=["reason", "updated_at"])
    return report


@transaction.atomic
def hide_review(*, rating: Rating, reason: str, actor: Actor) -> Rating:
    """Take a review out of the catalogue and out of the average; its author reads why.

    Publishes ReviewModerated.

    Raises:
        RuleViolated: no reason.
        ReviewIsHidden: it is hidden already.
    """
    reason = _reason(reason)
    rating = _lock(rating)
    if rating.is_hidden:
        raise ReviewIsHidden
    rating.hidden_at, rating.hidden_reason = clock.now(), reason
    return _moderated(rating, "hidden", reason, actor)


@transaction.atomic
def restore_review(*, rating: Rating, actor: Actor, reason: str = "") -> Rating:
    """Show a hidden review again, and count it. Publishes ReviewModerated.

    Raises:
        ReviewNotHidden: it is shown.
    """
    rating = _lock(rating)
    if not rating.is_hidden:
        raise ReviewNotHidden
    rating.hidden_at, rating.hidden_reason = None, ""
    return _moderated(rating, "restored", reason, actor)


@transaction.atomic
def dismiss_reports(*, rating: Rating, actor: Actor, reason: str = "") -> Rating:
    """Leave a reported review as it is; its reports are dealt with.

    Raises:
        ReviewNotReported: no report waits.
    """
    rating = _lock(rating)
    if not _resolve_reports(rating):
        raise ReviewNotReported
    record_audit(
        action="subscriptions:review:reports_dismissed",
        target=rating,
        actor=actor,
        organization_id=rating.consumer_organization_id,
        reason=reason,
    )
    return rating


def _lock(rating: Rating) -> Rating:
    """Lock the API, as everything that changes its average does, then the review."""
    Api.objects.lock(rating.api_id)
    return Rating.objects.lock(rating.pk)


def _moderated(rating: Rating, verb: str, reason: str, actor: Actor) -> Rating:
    rating.save(update_fields=["hidden_at", "hidden_reason", "updated_at"])
    _resolve_reports(rating)
    count_ratings(api_id=rating.api_id)
    change = record_audit(
        action=f"subscriptions:review:{verb}",
        target=rating,
        actor=actor,
        organization_id=rating.consumer_organization_id,
        after={"is_hidden": rating.is_hidden},
        reason=reason,
    )
    announce(ReviewModerated, rating, change, is_hidden=rating.is_hidden, reason=reason)
    return rating


def _resolve_reports(rating: Rating) -> int:
    now = clock.now()
    return rating.reports.filter(resolved_at__isnull=True).update(resolved_at=now, updated_at=now)


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise RuleViolated(_("Say why."), field="reason")
    if len(reason) > REASON_LENGTH:
        raise RuleViolated(
            _("At most %(limit)s characters are possible.") % {"limit": REASON_LENGTH},
            field="reason",
        )
    return reason
