"""Dead letters over REST, for operators: look, edit and retry, retry all, discard."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import dead_letters, letter_box
from apps.core.api.operations import JobRunOutput
from apps.core.api.views import ApiView
from apps.core.enums import DeadLetterState
from apps.core.models import DeadLetter

OPERATOR = "staff:operator"


class DeadLetterOutput(serializers.ModelSerializer[DeadLetter]):
    """Work that failed for good, without its payload."""

    id = serializers.CharField(source="public_id")
    state = serializers.ChoiceField(DeadLetterState.choices)

    class Meta:
        model = DeadLetter
        fields: ClassVar[tuple[str, ...]] = (
            "id", "source", "reference", "state", "reason", "attempts",
            "created_at", "resolved_at", "resolution_note",
        )  # fmt: skip


class DeadLetterDetail(DeadLetterOutput):
    """The same with the payload, and what a person made of it before retrying."""

    payload = serializers.JSONField()
    edited_payload = serializers.JSONField(allow_null=True)
    can_retry = serializers.SerializerMethodField()
    can_edit = serializers.SerializerMethodField()

    class Meta(DeadLetterOutput.Meta):
        fields = (
            *DeadLetterOutput.Meta.fields,
            "payload", "edited_payload", "can_retry", "can_edit",
        )  # fmt: skip

    def get_can_retry(self, letter: DeadLetter) -> bool:
        """Whether the work can be queued again."""
        return dead_letters.can_retry(letter)

    def get_can_edit(self, letter: DeadLetter) -> bool:
        """Whether the payload may be edited first."""
        return dead_letters.can_edit(letter)


class ReasonInput(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=500)


class RetryInput(ReasonInput):
    """Why, and with which payload, if not with the one that failed."""

    payload = serializers.JSONField(required=False)


class RetryAllInput(ReasonInput):
    """Why, and of which source; without one, of all."""

    source = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)  # type: ignore[assignment]  # shadows a property we do not use


class DeadLettersView(ApiView):
    """Work that failed for good."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(
        parameters=[
            OpenApiParameter("source", str, description="Only of this source."),
            OpenApiParameter("state", str, enum=DeadLetterState.values),
            OpenApiParameter("reference", str, description="For example an event's or batch's id."),
        ],
        responses=DeadLetterOutput(many=True),
        tags=["admin"],
    )
    def get(self, request: Request) -> Response:
        """List dead letters, newest first."""
        wanted = {name: request.query_params.get(name, "") for name in ("source", "state")}
        rows = letter_box.list_dead_letters(
            **wanted, reference=request.query_params.get("reference", "")
        )
        return self.paginated(rows.defer("payload", "edited_payload"), DeadLetterOutput)


class DeadLetterView(ApiView):
    """One dead letter."""

    method_permissions: ClassVar = {"GET": OPERATOR}

    @extend_schema(responses=DeadLetterDetail, tags=["admin"])
    def get(self, _request: Request, letter_id: str) -> Response:
        """Show it with its payload."""
        return Response(DeadLetterDetail(letter_box.get_dead_letter(letter_id)).data)


class DeadLetterRetryView(ApiView):
    """Another chance for one dead letter."""

    method_permissions: ClassVar = {"POST": OPERATOR}

    @extend_schema(request=RetryInput, responses=DeadLetterDetail, tags=["admin"])
    def post(self, request: Request, letter_id: str) -> Response:
        """Queue the work again, with an edited payload if one is given; the original is kept."""
        letter = letter_box.get_dead_letter(letter_id)
        wanted = self.validated(RetryInput)

        def retry() -> tuple[int, Any]:
            done = dead_letters.retry_dead_letter(
                letter=letter,
                actor=self.actor,
                reason=wanted["reason"],
                payload=wanted.get("payload"),
            )
            return status.HTTP_200_OK, DeadLetterDetail(done).data

        return self.once(request, retry)


class DeadLetterDiscardView(ApiView):
    """Giving one dead letter up."""

    method_permissions: ClassVar = {"POST": OPERATOR}

    @extend_schema(request=ReasonInput, responses=DeadLetterDetail, tags=["admin"])
    def post(self, request: Request, letter_id: str) -> Response:
        """Give the work up; the letter stays as a record."""
        letter = letter_box.get_dead_letter(letter_id)
        reason = self.validated(ReasonInput)["reason"]

        def discard() -> tuple[int, Any]:
            done = dead_letters.discard_dead_letter(letter=letter, actor=self.actor, reason=reason)
            return status.HTTP_200_OK, DeadLetterDetail(done).data

        return self.once(request, discard)


class DeadLettersRetryView(ApiView):
    """Another chance for all open dead letters, or for those of one source."""

    method_permissions: ClassVar = {"POST": OPERATOR}

    @extend_schema(
        operation_id="admin_events_dead_letters_retry_all",
        request=RetryAllInput,
        responses={202: JobRunOutput},
        tags=["admin"],
    )
    def post(self, request: Request) -> Response:
        """Start a job that retries them; `GET /api/v1/jobs/{id}` shows how far it is."""
        wanted = self.validated(RetryAllInput)

        def start() -> tuple[int, Any]:
            run = dead_letters.start_retry_of_all(
                source=wanted["source"], actor=self.actor, reason=wanted["reason"]
            )
            return status.HTTP_202_ACCEPTED, JobRunOutput(run).data

        return self.once(request, start)
