"""Plans: what a provider offers for one API."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core import clock
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.enums import PlanStatus, RefundPolicy, TermEnd, TrialEnd

if TYPE_CHECKING:
    from uuid import UUID

    from apps.core.actors import Actor

DEFAULT_KEY_ROTATION_DAYS: Final = 90
MAX_KEY_ROTATION_DAYS: Final = 365
MAX_QUANTITY: Final = 100_000
MAX_TERM_PERIODS: Final = 120


class PlanQuerySet(TenantQuerySet["Plan"]):
    """Plans as their provider, or subscribers, may read them."""

    def offered(self) -> Self:
        """Keep plans that new subscribers may choose."""
        return self.filter(status=PlanStatus.PUBLISHED, is_private=False)

    def readable_by(self, actor: Actor) -> Self:
        """Keep offered plans of APIs that the actor may read, and the actor's own."""
        return self._readable_by(actor, (PlanStatus.PUBLISHED,))

    def once_readable_by(self, actor: Actor) -> Self:
        """Keep these, and plans that were offered likewise until they were deprecated or closed."""
        once_offered = (PlanStatus.PUBLISHED, PlanStatus.DEPRECATED, PlanStatus.CLOSED)
        return self._readable_by(actor, once_offered)

    def _readable_by(self, actor: Actor, statuses: Collection[PlanStatus]) -> Self:
        if actor.sees_every_tenant:
            return self.all()
        readable = Api.objects.open_to(actor.organization_id)
        offered = self._open_to(actor.organization_id, statuses) & Q(api__in=readable.values("pk"))
        if actor.organization_id is None:
            return self.filter(offered)
        return self.filter(offered | Q(organization_id=actor.organization_id))

    def open_to(self, organization_id: UUID | None) -> Self:
        """Keep plans that an organization may choose: public ones, and private ones that it was invited to."""
        return self.filter(self._open_to(organization_id))

    @staticmethod
    def _open_to(
        organization_id: UUID | None, statuses: Collection[PlanStatus] = (PlanStatus.PUBLISHED,)
    ) -> Q:
        seen = Q(is_private=False)
        if organization_id is not None:
            invited = PlanInvitation.objects.filter(
                organization_id=organization_id, removed_at=None
            )
            seen |= Q(pk__in=invited.values("plan_id"))
        return Q(status__in=statuses) & seen


class Plan(Entity):
    """An offer for one API: limits and, by its current price version, prices."""

    id_prefix = "pln"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="plans")
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=60)
    description = models.CharField(_("description"), max_length=300, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=PlanStatus, default=PlanStatus.DRAFT
    )
    is_private = models.BooleanField(_("private"), default=False)
    requires_approval = models.BooleanField(_("subscriptions need approval"), default=False)
    trial_days = models.PositiveSmallIntegerField(_("trial days"), default=0)
    trial_requires_card = models.BooleanField(
        _("a trial needs a card"), default=False, db_default=False
    )
    trial_end = models.CharField(
        _("after the trial"),
        max_length=7,
        choices=TrialEnd,
        default=TrialEnd.CONVERT,
        db_default=TrialEnd.CONVERT,
    )
    # Billing periods that a subscription is made for; empty: it goes on until somebody ends it.
    term_periods = models.PositiveSmallIntegerField(
        _("fixed term (billing periods)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TERM_PERIODS)],
    )
    term_end = models.CharField(
        _("after the fixed term"),
        max_length=6,
        choices=TermEnd,
        default=TermEnd.RENEW,
        db_default=TermEnd.RENEW.value,
    )
    term_end_optional = models.BooleanField(
        _("subscribers may choose what follows the term"), default=True, db_default=True
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    key_limit = models.PositiveSmallIntegerField(_("active keys"), default=5)
    # None: as long as the platform allows.
    key_max_days = models.PositiveSmallIntegerField(
        _("a key lives at most (days)"), null=True, blank=True
    )
    # Empty: keys are not rotated by themselves unless their owner asks for it.
    key_rotation_days = models.PositiveSmallIntegerField(
        _("keys are rotated every (days)"),
        null=True,
        blank=True,
        default=DEFAULT_KEY_ROTATION_DAYS,
        db_default=DEFAULT_KEY_ROTATION_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_KEY_ROTATION_DAYS)],
    )
    key_rotation_optional = models.BooleanField(
        _("subscribers may switch rotation off"), default=True, db_default=True
    )
    # A new version of this pricing model becomes a new price version of the plan by itself.
    follows = models.ForeignKey(
        "pricing.CatalogueModel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="followers",
        verbose_name=_("follows the pricing model"),
    )
    # 1: the plan is not sold by quantity.
    max_quantity = models.PositiveIntegerField(
        _("units per subscription, at most"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_QUANTITY)],
    )
    refund_policy = models.CharField(
        _("fees paid in advance, when cancelled at once"),
        max_length=8,
        choices=RefundPolicy,
        default=RefundPolicy.PRORATED,
        db_default=RefundPolicy.PRORATED.value,
    )

    objects = PlanQuerySet.as_manager()

    class Meta:
        """Slugs are unique per API."""

        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(fields=("api", "slug"), name="pricing_plan_slug_unique"),
            models.CheckConstraint(
                condition=Q(key_rotation_days__isnull=True)
                | Q(key_rotation_days__range=(1, MAX_KEY_ROTATION_DAYS)),
                name="pricing_plan_key_rotation_days",
            ),
        )

    def __str__(self) -> str:
        return self.name


class PlanInvitation(Entity):
    """An organization that a provider lets see and subscribe to a private plan.

    The row outlives the invitation: a link that is older than `removed_at` no longer opens the plan.
    """

    id_prefix = "pin"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="invitations")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    # A person is referenced, not copied, so that erasing them leaves nothing here.
    invited_by_user_id = models.UUIDField(null=True)
    invited_at = models.DateTimeField(_("invited"), default=clock.now)
    removed_at = models.DateTimeField(_("removed"), null=True)

    class Meta:
        """Invited once."""

        verbose_name = _("invitation to a private plan")
        verbose_name_plural = _("invitations to private plans")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("plan", "organization"), name="pricing_invitation_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan_id} → {self.organization_id}"
