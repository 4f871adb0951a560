"""Who may call what, on which price version, since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, Workspace
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import LIVE_STATUSES, ChangeKind, SubscriptionStatus
from apps.subscriptions.transitions import SUBSCRIPTION

if TYPE_CHECKING:
    from apps.core.actors import Actor


class SubscriptionQuerySet(TenantQuerySet["Subscription"]):
    """Subscriptions, read from the consumer's or from the provider's side."""

    tenant_fields = ("consumer_organization_id",)

    def provided_by(self, actor: Actor) -> Self:
        """Keep the subscriptions to the actor's own APIs (the provider's side)."""
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.none()
        return self.filter(provider_organization_id=actor.organization_id)

    def live(self) -> Self:
        """Keep subscriptions that have not ended."""
        return self.filter(status__in=LIVE_STATUSES)


class Subscription(Entity):
    """A consumer's right to call an API on a plan's price version.

    Periods are computed from `anchor` in the consumer's time zone, so that the 31st stays the 31st.
    """

    id_prefix = "sub"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="subscriptions"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="provided_subscriptions"
    )
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="subscriptions")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    price_version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, related_name="+")
    # How many units of the plan: multiplies its fees, free units and quota.
    quantity = models.PositiveIntegerField(_("quantity"), default=1, db_default=1)
    status = models.CharField(_("status"), max_length=20, choices=SubscriptionStatus)
    status_reason = models.TextField(_("reason"), blank=True)
    anchor = models.DateTimeField(_("billing anchor"))
    # The number of the period that begins at the anchor: a new interval begins a new count of months, not of periods.
    anchor_number = models.PositiveIntegerField(
        _("number of the period at the anchor"), default=0, db_default=0
    )
    timezone = models.CharField(_("time zone"), max_length=64)
    # Moves to another time zone: the number and start of the period that was running, and the zone before it.
    past_zones = models.JSONField(
        default=list, blank=True, db_default=models.Value([], models.JSONField())
    )
    started_at = models.DateTimeField(_("started"), null=True)
    trial_ends_at = models.DateTimeField(_("trial ends"), null=True)
    # The terms that the trial began with; a plan that changes them changes no running trial.
    trial_converts = models.BooleanField(_("paid after the trial"), default=True, db_default=True)
    trial_needs_card = models.BooleanField(
        _("paid only with a card"), default=False, db_default=False
    )
    # The fixed term, by the rules that it began with: how many billing periods, which one is its last, what follows.
    term_periods = models.PositiveSmallIntegerField(_("fixed term (billing periods)"), null=True)
    term_last_period = models.PositiveIntegerField(_("last period of the term"), null=True)
    term_ends_at = models.DateTimeField(_("the term ends"), null=True)
    term_renews = models.BooleanField(_("another term follows"), default=True, db_default=True)
    term_end_optional = models.BooleanField(
        _("the subscriber may choose what follows the term"), default=True, db_default=True
    )
    cancel_at_period_end = models.BooleanField(_("cancels at period end"), default=False)
    ends_at = models.DateTimeField(_("ends"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        """One live subscription per workspace and API."""

        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("workspace", "api"),
                condition=Q(status__in=[str(status) for status in LIVE_STATUSES]),
                name="subscriptions_one_live",
            ),
        )

    def __str__(self) -> str:
        return f"{self.api} · {self.plan}"

    @property
    def auto_renews(self) -> bool:
        """Whether it goes on by itself after the running period, or after the fixed term if it has one."""
        has_chance = self.ended_at is None and not self.cancel_at_period_end
        return has_chance and (self.term_ends_at is None or self.term_renews)

    @property
    def can_switch_renewal(self) -> bool:
        """Whether its consumer may choose what follows the fixed term."""
        is_bound = self.term_ends_at is not None and self.ended_at is None
        return is_bound and self.term_end_optional and not self.cancel_at_period_end

    @property
    def can_be_suspended(self) -> bool:
        """Whether its provider may stop it now."""
        status = SubscriptionStatus(self.status)
        return SUBSCRIPTION.allows(status, SubscriptionStatus.SUSPENDED)


class SubscriptionChange(Entity):
    """One change of a subscription: status or plan, from what to what, when, by whom.

    A change of plan keeps its `quote`: the lines that were charged and given back, as the preview showed them; `net_minor`
    is their sum before tax.
    """

    id_prefix = "sch"

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(_("kind"), max_length=20, choices=ChangeKind)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    quote = models.JSONField(_("quote"), null=True, blank=True)
    net_minor = models.BigIntegerField(_("net amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="", db_default="")
    effective_at = models.DateTimeField(_("effective"))
    actor_user_id = models.UUIDField(null=True)
    actor_label = models.CharField(_("by"), max_length=200)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        """Oldest first."""

        verbose_name = _("subscription change")
        verbose_name_plural = _("subscription changes")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.kind

    @property
    def net(self) -> Money | None:
        """What a change of plan added to the invoice of its day, before tax; None for other changes."""
        return None if self.net_minor is None else Money(self.net_minor, self.currency)
