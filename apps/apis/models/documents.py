"""The versions of an API, their operations, and imports that wait to be applied."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.apis.enums import ImportStatus, VersionStatus
from apps.apis.models.listings import Api
from apps.core.models import Entity


class ApiVersion(Entity):
    """A version of an API with the OpenAPI document that it was imported from."""

    id_prefix = "apv"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="versions")
    name = models.CharField(_("version"), max_length=40)
    status = models.CharField(
        _("status"), max_length=12, choices=VersionStatus, default=VersionStatus.DRAFT
    )
    is_current = models.BooleanField(_("current"), default=False)
    openapi = models.JSONField(_("OpenAPI document"), null=True)
    openapi_source_url = models.URLField(_("imported from"), max_length=300, blank=True)
    openapi_digest = models.CharField(_("digest"), max_length=64, blank=True)
    changelog = models.TextField(_("what changed"), blank=True)
    published_at = models.DateTimeField(_("published"), null=True)
    deprecated_at = models.DateTimeField(_("deprecated"), null=True)
    retired_at = models.DateTimeField(_("retired"), null=True)
    sunset_at = models.DateTimeField(_("sunset"), null=True)
    # The last reminder of the sunset, in days before it.
    sunset_reminder_days = models.PositiveSmallIntegerField(null=True, editable=False)

    class Meta:
        """A name is unique per API, and one version is current."""

        verbose_name = _("API version")
        verbose_name_plural = _("API versions")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("api", "name"), name="apis_version_name_unique"),
            models.UniqueConstraint(
                fields=("api",), condition=Q(is_current=True), name="apis_version_one_current"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Endpoint(Entity):
    """One operation of a version, derived from its OpenAPI document."""

    id_prefix = "ept"

    version = models.ForeignKey(ApiVersion, on_delete=models.CASCADE, related_name="endpoints")
    method = models.CharField(_("method"), max_length=8)
    path = models.CharField(_("path"), max_length=300)
    operation_id = models.CharField(_("operation"), max_length=120, blank=True)
    summary = models.CharField(_("summary"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    tag = models.CharField(_("group"), max_length=80, blank=True)
    parameters = models.JSONField(_("parameters"), default=list)
    request_body = models.JSONField(_("request body"), null=True)
    responses = models.JSONField(_("responses"), default=dict)
    is_deprecated = models.BooleanField(_("deprecated"), default=False)
    requires_admin = models.BooleanField(_("for admin keys only"), default=False, db_default=False)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        """In the document's order."""

        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=("version", "method", "path"), name="apis_endpoint_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class OpenapiImport(Entity):
    """A document that was read and compared with what the API has, and waits to be applied or discarded.

    `changes` lists what applying it would add, change and remove; see `apps.apis.openapi.comparison`.
    """

    id_prefix = "imp"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="imports")
    version_name = models.CharField(_("version"), max_length=40)
    document = models.JSONField(_("OpenAPI document"))
    digest = models.CharField(_("digest"), max_length=64)
    source_url = models.URLField(_("imported from"), max_length=300, blank=True)
    changes = models.JSONField(_("changes"), default=list)
    is_breaking = models.BooleanField(_("breaking"), default=False)
    status = models.CharField(
        _("status"), max_length=12, choices=ImportStatus, default=ImportStatus.PENDING
    )
    actor_user_id = models.UUIDField(null=True)
    actor_label = models.CharField(_("by"), max_length=200)
    settled_at = models.DateTimeField(_("applied or discarded"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("OpenAPI import")
        verbose_name_plural = _("OpenAPI imports")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.version_name
