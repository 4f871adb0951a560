"""What the endpoints of the catalogue take and answer."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from rest_framework import serializers

from apps.pricing.enums import LoadOutcome
from apps.pricing.models import (
    CatalogueLoad,
    CatalogueModel,
    CatalogueModelVersion,
    CatalogueRevision,
)


class PricingModelOutput(serializers.ModelSerializer[CatalogueModel]):
    """A pricing model as anyone may read it."""

    id = serializers.CharField(source="key", help_text="As the catalogue writes it.")
    type = serializers.CharField(source="kind")
    version = serializers.IntegerField(source="version_number")
    definition = serializers.DictField(help_text="As a file of the catalogue would say it.")

    class Meta:
        """Explicit fields only."""

        model = CatalogueModel
        fields: ClassVar[tuple[str, ...]] = (
            "id", "name", "description", "type", "version", "definition",
        )  # fmt: skip
        read_only_fields = fields


class OwnedModelOutput(PricingModelOutput):
    """A pricing model as operators read it."""

    class Meta(PricingModelOutput.Meta):
        """With where it is kept."""

        fields = (
            *PricingModelOutput.Meta.fields,
            "owner", "source_file", "source_line", "is_active", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ModelVersionOutput(serializers.ModelSerializer[CatalogueModelVersion]):
    """A pricing model as it was from some revision on."""

    revision = serializers.IntegerField(source="revision.number")
    definition = serializers.DictField()

    class Meta:
        """Explicit fields only."""

        model = CatalogueModelVersion
        fields: ClassVar[tuple[str, ...]] = ("number", "revision", "created_at", "definition")
        read_only_fields = fields


class ProblemOutput(serializers.Serializer[Any]):
    """One thing that is wrong with a file."""

    file = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    pointer = serializers.CharField(help_text="JSON pointer into the file.")
    code = serializers.CharField()
    detail = serializers.CharField()


class CatalogueLoadOutput(serializers.ModelSerializer[CatalogueLoad]):
    """An attempt to load the files, and what came of it."""

    id = serializers.CharField(source="public_id")
    outcome = serializers.ChoiceField(LoadOutcome.choices)
    revision = serializers.IntegerField(source="revision.number", default=None)
    problems = ProblemOutput(many=True)

    class Meta:
        """Explicit fields only."""

        model = CatalogueLoad
        fields: ClassVar[tuple[str, ...]] = (
            "id", "trigger", "outcome", "revision", "problems", "digest", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class RevisionOutput(serializers.ModelSerializer[CatalogueRevision]):
    """A revision of the catalogue, without its content."""

    restored = serializers.IntegerField(source="restored.number", default=None)

    class Meta:
        """Explicit fields only."""

        model = CatalogueRevision
        fields: ClassVar[tuple[str, ...]] = (
            "number", "origin", "restored", "reason", "digest", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class RevisionDetail(RevisionOutput):
    """The whole catalogue as it was."""

    content = serializers.DictField()
    files = serializers.DictField(child=serializers.CharField())

    class Meta(RevisionOutput.Meta):
        """With the content, and the files as they were written."""

        fields = (*RevisionOutput.Meta.fields, "content", "files")
        read_only_fields = fields


CATALOGUE_CHANGES: Final = [("added", "added"), ("removed", "removed"), ("changed", "changed")]


class CatalogueDifferenceOutput(serializers.Serializer[Any]):
    """One value that was added, removed or changed."""

    kind = serializers.ChoiceField(CATALOGUE_CHANGES)
    pointer = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class CatalogueStateOutput(serializers.Serializer[Any]):
    """What is in force, and what came of the last load."""

    path = serializers.CharField(help_text="Where the files are; empty where there are none.")
    revision = RevisionOutput(allow_null=True)
    last_load = CatalogueLoadOutput(allow_null=True)
    is_refused = serializers.BooleanField()


class RollbackInput(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=500)


class PlanFromModelInput(serializers.Serializer[Any]):
    """A plan of an API from a pricing model."""

    api = serializers.CharField(help_text="Public id of the API, `api_…`.")
    model = serializers.CharField(help_text="Id of the pricing model in the catalogue.")
    name = serializers.CharField(
        max_length=80, required=False, help_text="The model's unless given."
    )
    follow = serializers.BooleanField(
        default=False, help_text="Take over each new price of the model, for new subscribers."
    )


class FollowInput(serializers.Serializer[Any]):
    """The pricing model that a plan is to follow."""

    model = serializers.CharField(allow_null=True, help_text="Id in the catalogue; null for none.")
