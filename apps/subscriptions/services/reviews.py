"""Subscribers rate and review an API; its provider answers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Avg, Count
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.apis.services import set_listing_facts
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import NotFound, RuleViolated
from apps.core.models import AuditEvent
from apps.subscriptions.constants import BODY_LENGTH, STARS, TITLE_LENGTH
from apps.subscriptions.events import ReviewEvent, ReviewGiven, ReviewReplied
from apps.subscriptions.exceptions import ReviewIsHidden
from apps.subscriptions.models import Rating
from apps.subscriptions.selectors import require_may_review


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a subscriber says: one to five stars, perhaps in words."""

    stars: int
    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class SavedReview:
    """A review, and whether it is the organization's first of this API."""

    rating: Rating
    is_new: bool


@transaction.atomic
def save_review(*, api: Api, opinion: Opinion, actor: Actor) -> SavedReview:
    """Review an API for the actor's organization; a second review edits the first.

    A hidden review can be edited, which does not show it again. Publishes ReviewGiven for the first one.

    Raises:
        NotASubscriber, OwnApiNotReviewable, SandboxCannotReview: the organization may not.
        RuleViolated: stars outside one to five, or a text that is too long.
    """
    organization = require_may_review(api=api, actor=actor)
    opinion = _checked(opinion)
    Api.objects.lock(api.pk)  # so that ratings of one API are counted one after the other
    rating = Rating.objects.filter(api=api, consumer_organization=organization).first()
    if rating is not None:
        return SavedReview(_edit(rating, opinion, actor), is_new=False)
    return SavedReview(_create(api, organization, opinion, actor), is_new=True)


@transaction.atomic
def delete_review(*, api: Api, actor: Actor) -> None:
    """Take the own organization's review of an API back.

    Raises:
        NotFound: there is none.
        ReviewIsHidden: a moderator hid it.
    """
    Api.objects.lock(api.pk)
    rows = Rating.objects.filter(api=api, consumer_organization_id=actor.organization_id)
    rating = rows.first()
    if rating is None:
        raise NotFound
    if rating.is_hidden:
        raise ReviewIsHidden
    record_audit(
        action="subscriptions:review:deleted",
        target=rating,
        actor=actor,
        organization_id=rating.consumer_organization_id,
        before=_said(rating),
    )
    rating.delete()
    count_ratings(api_id=api.pk)


@transaction.atomic
def reply_to_review(*, rating: Rating, text: str, actor: Actor) -> Rating:
    """Answer a review as the API's provider; a second answer edits the first. Publishes ReviewReplied once.

    Raises:
        ReviewIsHidden: nobody would read the answer.
        RuleViolated: the answer is empty or too long.
    """
    rating = Rating.objects.lock(rating.pk)
    if rating.is_hidden:
        raise ReviewIsHidden
    text = _text(text, BODY_LENGTH, field="reply")
    if not text:
        raise RuleViolated(_("Write a reply."), field="reply")
    if text == rating.reply:
        return rating
    before, is_first = rating.reply, rating.replied_at is None
    rating.reply = text
    rating.replied_at = rating.replied_at or clock.now()
    rating.save(update_fields=["reply", "replied_at", "updated_at"])
    change = record_audit(
        action="subscriptions:review:replied",
        target=rating,
        actor=actor,
        organization_id=rating.provider_organization_id,
        before={"reply": before},
        after={"reply": text},
    )
    if is_first:
        announce(ReviewReplied, rating, change)
    return rating


def count_ratings(*, api_id: UUID) -> None:
    """Write the average and the number of an API's shown ratings to its listing, from the rows.

    Part of the caller's transaction, which holds the API's lock.
    """
    found = Rating.objects.shown().filter(api_id=api_id).aggregate(Avg("stars"), Count("id"))
    average = found["stars__avg"]
    set_listing_facts(
        api_id=api_id,
        rating_average=None if average is None else round(average, 2),
        rating_count=found["id__count"],
    )


def announce(
    event_class: type[ReviewEvent], rating: Rating, change: AuditEvent, **fields: object
) -> None:
    """Publish an event of a review, named by the audit row of its cause."""
    event = event_class(
        rating_id=rating.pk,
        api_id=rating.api_id,
        consumer_organization_id=rating.consumer_organization_id,
        provider_organization_id=rating.provider_organization_id,
        change_id=change.pk,
        **fields,
    )
    publish(event, key=str(rating.pk))


def _create(api: Api, organization: Organization, opinion: Opinion, actor: Actor) -> Rating:
    rating = Rating.objects.create(
        api=api,
        consumer_organization=organization,
        provider_organization_id=api.organization_id,
        stars=opinion.stars,
        title=opinion.title,
        body=opinion.body,
    )
    change = record_audit(
        action="subscriptions:review:given",
        target=rating,
        actor=actor,
        organization_id=organization.pk,
        after=_said(rating),
    )
    count_ratings(api_id=api.pk)
    announce(ReviewGiven, rating, change, stars=rating.stars)
    return rating


def _edit(rating: Rating, opinion: Opinion, actor: Actor) -> Rating:
    before = _said(rating)
    rating.stars, rating.title, rating.body = opinion.stars, opinion.title, opinion.body
    if before == _said(rating):
        return rating
    rating.edited_at = clock.now()
    rating.save(update_fields=["stars", "title", "body", "edited_at", "updated_at"])
    record_audit(
        action="subscriptions:review:edited",
        target=rating,
        actor=actor,
        organization_id=rating.consumer_organization_id,
        before=before,
        after=_said(rating),
    )
    count_ratings(api_id=rating.api_id)
    return rating


def _said(rating: Rating) -> dict[str, object]:
    return {"stars": rating.stars, "title": rating.title, "body": rating.body}


def _checked(opinion: Opinion) -> Opinion:
    if opinion.stars not in STARS:
        raise RuleViolated(_("Choose one to five stars."), field="stars")
    return Opinion(
        opinion.stars,
        _text(opinion.title, TITLE_LENGTH, field="title"),
        _text(opinion.body, BODY_LENGTH, field="body"),
    )


def _text(text: str, limit: int, *, field: str) -> str:
    stripped = text.strip()
    if len(stripped) > limit:
        raise RuleViolated(
            _("At most %(limit)s characters are possible.") % {"limit": limit}, field=field
        )
    return stripped
