"""The operator's catalogue of pricing models: what stands in it, its revisions, and every attempt to load it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.pricing.enums import CatalogueOrigin, CatalogueOwner, LoadOutcome, PlanKind
from apps.pricing.models.promotions import Promotion


class CatalogueRevision(Entity):
    """The whole catalogue as it was after one change. Never changes itself."""

    id_prefix = "crv"

    number = models.PositiveIntegerField(_("number"), unique=True)
    origin = models.CharField(_("origin"), max_length=8, choices=CatalogueOrigin)
    # Of the files that were loaded; empty where no file was.
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    # The files as they were written, by name.
    files = models.JSONField(_("files"), default=dict)
    # `settings`, `models` and `promotions` as they were applied.
    content = models.JSONField(_("content"), default=dict)
    restored = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("rolled back to"),
    )
    actor_label = models.CharField(_("by"), max_length=200)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        """Newest first."""

        verbose_name = _("catalogue revision")
        verbose_name_plural = _("catalogue revisions")
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"#{self.number}"


class CatalogueModel(Entity):
    """An operator's reusable price: providers make plans from it.

    A model belongs to the file that defines it or to the back office and REST; the other side reads it only.
    """

    id_prefix = "pmd"

    key = models.CharField(_("id in the catalogue"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    kind = models.CharField(_("type"), max_length=12, choices=PlanKind)
    owner = models.CharField(_("kept in"), max_length=6, choices=CatalogueOwner)
    source_file = models.CharField(_("file"), max_length=200, blank=True)
    source_line = models.PositiveIntegerField(_("line"), null=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        """A file is named exactly where one owns the model."""

        verbose_name = _("pricing model")
        verbose_name_plural = _("pricing models")
        ordering = ("key",)
        constraints = (
            models.CheckConstraint(
                condition=Q(owner=CatalogueOwner.FILE) ^ Q(source_file=""),
                name="pricing_catalogue_model_file",
            ),
        )

    def __str__(self) -> str:
        return self.name


class CatalogueModelVersion(Entity):
    """A pricing model's definition from some revision on. Never changes."""

    id_prefix = "pmv"

    model = models.ForeignKey(CatalogueModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    definition = models.JSONField(_("definition"))
    revision = models.ForeignKey(CatalogueRevision, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Numbers count up per model."""

        verbose_name = _("version of a pricing model")
        verbose_name_plural = _("versions of pricing models")
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(
                fields=("model", "number"), name="pricing_catalogue_version_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"


class CataloguePromotion(Entity):
    """Which of the operator's promotions a file of the catalogue owns, and under which id."""

    id_prefix = "cpr"

    key = models.CharField(_("id in the catalogue"), max_length=60, unique=True)
    promotion = models.OneToOneField(
        Promotion, on_delete=models.PROTECT, related_name="catalogue_entry"
    )
    source_file = models.CharField(_("file"), max_length=200)
    source_line = models.PositiveIntegerField(_("line"), null=True)
    definition = models.JSONField(_("definition"))
    # False: the files have it no more; the promotion is switched off.
    is_kept = models.BooleanField(_("in the files"), default=True)

    class Meta:
        """By id."""

        verbose_name = _("promotion of the catalogue")
        verbose_name_plural = _("promotions of the catalogue")
        ordering = ("key",)

    def __str__(self) -> str:
        return self.key


class CatalogueLoad(Entity):
    """One attempt to load the files, and what came of it."""

    id_prefix = "cld"

    trigger = models.CharField(_("asked by"), max_length=20)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    outcome = models.CharField(_("outcome"), max_length=9, choices=LoadOutcome)
    # Each with file, line, column, pointer, code and detail.
    problems = models.JSONField(_("problems"), default=list)
    revision = models.ForeignKey(
        CatalogueRevision, on_delete=models.PROTECT, null=True, related_name="+"
    )
    actor_label = models.CharField(_("by"), max_length=200)

    class Meta:
        """Newest first; a revision came of it exactly when something was applied."""

        verbose_name = _("catalogue load")
        verbose_name_plural = _("catalogue loads")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(outcome=LoadOutcome.APPLIED) ^ Q(revision__isnull=True),
                name="pricing_catalogue_load_revision",
            ),
        )

    def __str__(self) -> str:
        return f"{self.trigger} {self.outcome}"
