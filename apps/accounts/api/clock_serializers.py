"""How a test clock looks over REST."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.accounts.api.serializers import OrganizationOutput
from apps.accounts.clock_jumps import ClockJump
from apps.accounts.enums import JumpStatus
from apps.accounts.models import Organization
from apps.accounts.services import get_clock_jump
from apps.accounts.timed_work import label_of
from apps.core import clock


class ClockInput(serializers.Serializer[Any]):
    """How far a sandbox's test clock moves: by seconds, or to a time."""

    by_seconds = serializers.IntegerField(min_value=1, required=False)
    to = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse neither and both."""
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Give either by_seconds or to."))
        return attrs


class HappenedOutput(serializers.Serializer[dict[str, Any]]):
    """One kind of thing that happened at one moment of a jump."""

    at = serializers.DateTimeField()
    work = serializers.CharField(help_text="Kind of work, such as billing.periods.")
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # a member of the answer, not DRF's label
    count = serializers.IntegerField()

    def get_label(self, line: dict[str, Any]) -> str:
        """Say it in words."""
        return str(label_of(line["work"]))


class ClockJumpOutput(serializers.ModelSerializer[ClockJump]):
    """A move of the clock. `reached_at` is how far it is, `waits_for` the work that cannot be done yet."""

    id = serializers.CharField(source="public_id")
    percent = serializers.IntegerField()
    happened = HappenedOutput(many=True)

    class Meta:
        model = ClockJump
        fields = (
            "id", "status", "from_time", "to_time", "reached_at", "percent", "waits_for", "error", "happened",
            "finished_at",
        )  # fmt: skip


class ClockOutput(serializers.Serializer[Organization]):
    """An organization's clock: `advancing` while a jump is on its way, else `ready`."""

    time = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    jump = serializers.SerializerMethodField()

    def get_time(self, organization: Organization) -> str:
        """Return the organization's present time."""
        return clock.business_now(organization).isoformat()

    def get_status(self, organization: Organization) -> str:
        """Return whether the clock is on its way."""
        jump = get_clock_jump(organization)
        is_advancing = jump is not None and jump.is_advancing
        return JumpStatus.ADVANCING.value if is_advancing else "ready"

    def get_jump(self, organization: Organization) -> dict[str, Any] | None:
        """Return the newest move, with what happened on the way."""
        jump = get_clock_jump(organization)
        return ClockJumpOutput(jump).data if jump is not None else None


class MovedOrganizationOutput(OrganizationOutput):
    """An organization whose clock was moved."""

    clock = serializers.SerializerMethodField()

    class Meta(OrganizationOutput.Meta):
        fields = (*OrganizationOutput.Meta.fields, "clock")  # type: ignore[assignment]  # one member more

    def get_clock(self, organization: Organization) -> dict[str, Any]:
        """Return how far the clock is."""
        return ClockOutput(organization).data
