"""The reviews area of an API's page, and of the page that lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.portal.panels import fill_reviews_panel
from apps.subscriptions.models import Rating
from apps.subscriptions.selectors import (
    RatingSummary,
    find_own_review,
    list_reviews,
    may_review,
    rating_summary,
)

SHOWN: Final = 5
WRITE: Final = "subscriptions.manage"


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """How many gave that many stars, of how many."""

    stars: int
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class ReviewsArea:
    """What an API's reviews add up to, and what the visitor may do about them."""

    summary: RatingSummary
    own: Rating | None
    can_write: bool

    @property
    def rows(self) -> list[HistogramRow]:
        """The histogram, the best first."""
        histogram, total = self.summary.histogram, self.summary.count
        return [
            HistogramRow(stars, histogram[stars], total)
            for stars in sorted(histogram, reverse=True)
        ]


def reviews_area(api: Api, actor: Actor) -> ReviewsArea:
    """Return the frame of the reviews: one query for visitors, four for members."""
    can_write = actor.can(WRITE) and may_review(api=api, actor=actor)
    return ReviewsArea(
        summary=rating_summary(api.pk),
        own=find_own_review(api=api, actor=actor),
        can_write=can_write,
    )


def reviews_context(api: Api, actor: Actor) -> dict[str, Any]:
    """Return what `catalogue/_reviews.html` shows on the API's page: the newest, and the form."""
    area = reviews_area(api, actor)
    newest = list(list_reviews(api)[:SHOWN]) if area.summary.count else []
    return {"review_area": area, "newest_reviews": newest}


fill_reviews_panel("catalogue/_reviews.html", reviews_context)
