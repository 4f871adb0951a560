"""Domains of a provider's own that lead to an API."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.apis.enums import DomainStatus
from apps.apis.models.listings import Api
from apps.core.addresses import MAX_NAME_CHARS
from apps.core.models import Entity


class ApiDomain(Entity):
    """A host name under which an API can be called once its owner has proven that it is theirs.

    `token` is what a TXT record of the name must say; it is no secret.
    """

    id_prefix = "dom"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="domains")
    hostname = models.CharField(_("domain"), max_length=MAX_NAME_CHARS)
    token = models.CharField(_("token"), max_length=64)
    status = models.CharField(
        _("status"), max_length=10, choices=DomainStatus, default=DomainStatus.PENDING
    )
    verified_at = models.DateTimeField(_("verified"), null=True)
    checked_at = models.DateTimeField(_("checked"), null=True)
    last_error = models.CharField(_("last problem"), max_length=200, blank=True)

    class Meta:
        """Anybody may claim a name; one proves it."""

        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        ordering = ("hostname",)
        constraints = (
            models.UniqueConstraint(fields=("api", "hostname"), name="apis_domain_once_per_api"),
            models.UniqueConstraint(
                fields=("hostname",),
                condition=Q(status=DomainStatus.VERIFIED),
                name="apis_domain_verified_once",
            ),
        )

    def __str__(self) -> str:
        return self.hostname

    @property
    def is_verified(self) -> bool:
        """Whether calls may come by it."""
        return self.status == DomainStatus.VERIFIED

    @property
    def record_name(self) -> str:
        """Where the TXT record is looked for."""
        return f"_tollgate.{self.hostname}"

    @property
    def record_value(self) -> str:
        """What the TXT record must say."""
        return f"tollgate-verification={self.token}"
