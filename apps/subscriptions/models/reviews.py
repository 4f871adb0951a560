"""What subscribers say of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.subscriptions.constants import BODY_LENGTH, REASON_LENGTH, STARS, TITLE_LENGTH

if TYPE_CHECKING:
    from apps.core.actors import Actor


class RatingQuerySet(TenantQuerySet["Rating"]):
    """Reviews, read by their author's organization, by the API's provider, or by anybody."""

    tenant_fields = ("consumer_organization_id",)

    def provided_by(self, actor: Actor) -> Self:
        """Keep the reviews of the actor's own APIs (the provider's side)."""
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.none()
        return self.filter(provider_organization_id=actor.organization_id)

    def shown(self) -> Self:
        """Keep what anybody reads and what counts: not hidden by a moderator."""
        return self.filter(hidden_at__isnull=True)

    def reported(self) -> Self:
        """Keep those with a report that waits for a moderator."""
        waiting = RatingReport.objects.filter(rating=OuterRef("pk"), resolved_at__isnull=True)
        return self.filter(Exists(waiting))

    def with_reports(self) -> Self:
        """Add `open_reports`: how many people's reports wait for a moderator."""
        return self.annotate(
            open_reports=Count("reports", filter=Q(reports__resolved_at__isnull=True))
        )


class Rating(Entity):
    """A subscriber's stars for an API, perhaps with a review; the provider may answer once.

    A hidden one is neither shown nor counted; its author may edit it, which does not bring it back.
    """

    id_prefix = "rev"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="ratings")
    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="ratings_given"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="ratings_received"
    )
    stars = models.PositiveSmallIntegerField(_("stars"))
    title = models.CharField(_("title"), max_length=TITLE_LENGTH, blank=True)
    body = models.TextField(_("review"), max_length=BODY_LENGTH, blank=True)
    edited_at = models.DateTimeField(_("edited"), null=True)
    reply = models.TextField(_("provider's reply"), max_length=BODY_LENGTH, blank=True)
    replied_at = models.DateTimeField(_("replied"), null=True)
    hidden_at = models.DateTimeField(_("hidden"), null=True)
    hidden_reason = models.CharField(_("why it is hidden"), max_length=REASON_LENGTH, blank=True)

    objects = RatingQuerySet.as_manager()

    class Meta:
        """One per organization and API."""

        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("consumer_organization", "api"), name="subscriptions_rating_one"
            ),
            models.CheckConstraint(
                condition=Q(stars__gte=STARS[0], stars__lte=STARS[-1]),
                name="subscriptions_rating_stars",
            ),
        )
        indexes = (
            models.Index(fields=("api", "-stars", "-id"), name="subscriptions_rating_stars_idx"),
        )

    def __str__(self) -> str:
        return f"{self.stars}/{STARS[-1]} {self.title}".strip()

    @property
    def is_hidden(self) -> bool:
        """Whether a moderator took it out of the catalogue."""
        return self.hidden_at is not None


class RatingReport(Entity):
    """Somebody asked the moderators to look at a review; one per person and review."""

    id_prefix = "rrp"

    rating = models.ForeignKey(Rating, on_delete=models.CASCADE, related_name="reports")
    reporter_id = models.UUIDField(_("reported by"))
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    resolved_at = models.DateTimeField(_("dealt with"), null=True)

    class Meta:
        """Oldest first: what waits longest is looked at first."""

        verbose_name = _("report of a review")
        verbose_name_plural = _("reports of reviews")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("rating", "reporter_id"), name="subscriptions_report_one"
            ),
        )

    def __str__(self) -> str:
        return self.reason
