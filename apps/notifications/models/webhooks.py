"""Outbound webhooks: who gets messages, what happened, and every attempt to tell it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.crypto import EncryptedTextField
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.notifications.constants import API_VERSION, URL_MAX_CHARS
from apps.notifications.enums import (
    OPEN_STATUSES,
    DeliveryStatus,
    DisabledBecause,
    EndpointStatus,
)


class WebhookEndpoint(Entity):
    """An address of an organization that gets messages. No event types means all of them."""

    id_prefix = "whe"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(_("URL"), max_length=URL_MAX_CHARS)
    description = models.CharField(_("description"), max_length=200, blank=True)
    event_types = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, verbose_name=_("event types")
    )
    api_version = models.CharField(_("version"), max_length=10, default=API_VERSION)
    status = models.CharField(
        _("status"), max_length=10, choices=EndpointStatus, default=EndpointStatus.ACTIVE
    )
    disabled_because = models.CharField(
        _("disabled because"), max_length=10, choices=DisabledBecause, blank=True
    )
    secret = EncryptedTextField(_("secret"))
    previous_secret = EncryptedTextField(_("previous secret"), blank=True)
    previous_secret_expires_at = models.DateTimeField(_("previous secret valid until"), null=True)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Newest first."""

        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ("-id",)
        indexes = (models.Index(fields=("organization", "status"), name="notifications_whe_org"),)

    def __str__(self) -> str:
        return self.url

    @property
    def short_name(self) -> str:
        """What trails of links say: the description, else the host."""
        return self.description or urlsplit(self.url).netloc

    def wants(self, event_type: str) -> bool:
        """Whether the endpoint gets messages of a type."""
        return not self.event_types or event_type in self.event_types


class WebhookEvent(Entity):
    """Something that happened, as it is told. Its public id is the `webhook-id` of every delivery."""

    id_prefix = "evt"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(_("type"), max_length=80)
    data = models.JSONField(_("data"))
    occurred_at = models.DateTimeField(_("occurred"))
    dedupe_key = models.CharField(_("dedupe key"), max_length=160)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """The same fact is told once."""

        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "type", "dedupe_key"), name="notifications_event_once"
            ),
        )

    def __str__(self) -> str:
        return self.type


class WebhookDelivery(Entity):
    """One event on its way to one endpoint. `attempts_left` counts down; a replay fills it up again."""

    id_prefix = "whd"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING
    )
    attempts_made = models.PositiveIntegerField(_("attempts"), default=0)
    attempts_left = models.PositiveSmallIntegerField(_("attempts left"))
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, default=clock.now)
    claimed_until = models.DateTimeField(_("in hand until"), null=True)
    response_status = models.PositiveSmallIntegerField(_("last answer"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Found by what is due, and listed per endpoint."""

        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "event"), name="notifications_delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN_STATUSES, next_attempt_at__isnull=False)
                | (~Q(status__in=OPEN_STATUSES) & Q(next_attempt_at__isnull=True)),
                name="notifications_delivery_open_is_due",
            ),
        )
        indexes = (
            models.Index(
                fields=("endpoint", "next_attempt_at", "id"),
                name="notifications_delivery_due",
                condition=Q(status__in=OPEN_STATUSES),
            ),
            models.Index(fields=("endpoint", "-id"), name="notifications_delivery_list"),
            models.Index(fields=("created_at",), name="notifications_delivery_age"),
        )

    def __str__(self) -> str:
        return f"{self.event_id} → {self.endpoint_id}"

    @property
    def is_open(self) -> bool:
        """Whether another attempt will follow."""
        return self.status in OPEN_STATUSES


class WebhookAttempt(Entity):
    """One call of an endpoint. Written before the call; without `finished_at` nobody saw how it ended."""

    id_prefix = "wha"

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField(_("number"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    duration_ms = models.PositiveIntegerField(_("duration in ms"), null=True)
    request_headers = models.JSONField(_("request headers"), default=dict)
    response_status = models.PositiveSmallIntegerField(_("answer"), null=True)
    response_excerpt = models.TextField(_("answer's beginning"), blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        """In the order in which they were made."""

        verbose_name = _("webhook attempt")
        verbose_name_plural = _("webhook attempts")
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(
                fields=("delivery", "number"), name="notifications_attempt_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.number}"
