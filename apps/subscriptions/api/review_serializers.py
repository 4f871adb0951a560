"""What the endpoints of reviews take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.subscriptions.constants import BODY_LENGTH, REASON_LENGTH, STARS, TITLE_LENGTH
from apps.subscriptions.models import Rating
from apps.subscriptions.selectors import RatingSummary


class ReviewInput(serializers.Serializer[Any]):
    """One to five stars, perhaps with a title and a text."""

    stars = serializers.IntegerField(min_value=STARS[0], max_value=STARS[-1])
    title = serializers.CharField(
        max_length=TITLE_LENGTH, required=False, allow_blank=True, default=""
    )
    body = serializers.CharField(
        max_length=BODY_LENGTH, required=False, allow_blank=True, default=""
    )


class ReplyInput(serializers.Serializer[Any]):
    """What the provider answers."""

    reply = serializers.CharField(max_length=BODY_LENGTH)


class WhyInput(serializers.Serializer[Any]):
    """Why; it must be said."""

    reason = serializers.CharField(max_length=REASON_LENGTH)


class NoteInput(serializers.Serializer[Any]):
    """Why, for the audit trail; may be left out."""

    reason = serializers.CharField(
        max_length=REASON_LENGTH, required=False, allow_blank=True, default=""
    )


class ReviewOutput(serializers.ModelSerializer[Rating]):
    """A review as anybody reads it. `author` is the name of the organization; `edited_at` is null unless edited."""

    id = serializers.CharField(source="public_id", read_only=True)
    author = serializers.CharField(source="consumer_organization.name", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Rating
        fields: tuple[str, ...] = (
            "id",
            "stars",
            "title",
            "body",
            "author",
            "created_at",
            "edited_at",
            "reply",
            "replied_at",
        )
        read_only_fields = fields


class OwnReviewOutput(ReviewOutput):
    """The own review; a moderator's decision is told with its reason."""

    class Meta(ReviewOutput.Meta):
        """What anybody reads, and moderation."""

        fields = (*ReviewOutput.Meta.fields, "is_hidden", "hidden_reason")
        read_only_fields = fields

    is_hidden = serializers.BooleanField(read_only=True)


class ReceivedReviewOutput(ReviewOutput):
    """A review as the API's provider reads it."""

    api = serializers.CharField(source="api.public_id", read_only=True)

    class Meta(ReviewOutput.Meta):
        """What anybody reads, and of which API."""

        fields = ("api", *ReviewOutput.Meta.fields)
        read_only_fields = fields


class ModeratedReviewOutput(OwnReviewOutput):
    """A review as moderators read it."""

    api = serializers.CharField(source="api.public_id", read_only=True)
    api_name = serializers.CharField(source="api.name", read_only=True)
    open_reports = serializers.IntegerField(read_only=True)

    class Meta(OwnReviewOutput.Meta):
        """Everything."""

        fields = ("api", "api_name", *OwnReviewOutput.Meta.fields, "hidden_at", "open_reports")
        read_only_fields = fields


class HistogramOutput(serializers.Serializer[Any]):
    """How many gave that many stars."""

    stars = serializers.IntegerField()
    count = serializers.IntegerField()


class RatingSummaryOutput(serializers.Serializer[RatingSummary]):
    """Average (null without ratings), number, and how they are spread. Hidden ones do not count."""

    average = serializers.DecimalField(max_digits=3, decimal_places=2, allow_null=True)
    count = serializers.IntegerField()
    histogram = serializers.SerializerMethodField()

    def get_histogram(self, summary: RatingSummary) -> list[dict[str, int]]:
        """Return a row per number of stars, the best first."""
        return [
            {"stars": stars, "count": summary.histogram[stars]}
            for stars in sorted(summary.histogram, reverse=True)
        ]


class ReviewReportOutput(serializers.Serializer[Any]):
    """A report was taken."""

    review = serializers.CharField(source="rating.public_id")
    reason = serializers.CharField()
