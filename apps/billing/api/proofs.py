"""The proof of an invoice line as JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.billing import selectors
from apps.billing.api.serializers import ExactField, InvoiceLineOutput, StepOutput
from apps.billing.proofs import prove_line
from apps.core.api.fields import MoneyField
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.usage.api.pagination import HistoryPagination
from apps.usage.api.serializers import UsageEventSerializer, UsageWindowSerializer


class CountedWindowOutput(serializers.Serializer[Any]):
    """An hour behind the line, at the revision that was billed."""

    window = UsageWindowSerializer()
    billed_revision = serializers.IntegerField()
    billed_quantity = ExactField()
    is_unchanged = serializers.BooleanField()
    is_rated_again = serializers.BooleanField()


class ChargeOutput(serializers.Serializer[Any]):
    """The rated charge, before rounding."""

    id = serializers.CharField(source="public_id")
    run = serializers.IntegerField(source="run.number")
    meter = serializers.CharField()
    name = serializers.CharField()
    quantity = ExactField()
    amount_exact = serializers.CharField(source="calculation.amount_exact")
    rated_at = serializers.DateTimeField(source="run.rated_at")


class RecomputedOutput(serializers.Serializer[Any]):
    """The amount, worked out again: from the steps' operands, and from the windows."""

    from_steps = ExactField()
    from_usage = ExactField()
    windows_quantity = ExactField()
    calls = serializers.IntegerField()
    amount = MoneyField(allow_null=True)
    is_proven = serializers.BooleanField()


class EventPageOutput(serializers.Serializer[Any]):
    """One page of calls."""

    data = UsageEventSerializer(many=True)  # type: ignore[assignment]  # the envelope of every list
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class LineProofOutput(serializers.Serializer[Any]):
    """Line → charge → steps → windows → calls, and what comes out when it is worked out again."""

    line = InvoiceLineOutput()
    invoice_id = serializers.CharField()
    charge = ChargeOutput(allow_null=True)
    steps = serializers.ListField(child=serializers.DictField())
    windows = CountedWindowOutput(many=True)
    events = EventPageOutput()
    recomputed = RecomputedOutput()


class LineProofView(ApiView):
    """Why an invoice line costs what it costs."""

    method_permissions: ClassVar = {"GET": "billing.read"}

    @extend_schema(responses=LineProofOutput)
    def get(self, request: Request, invoice_id: str, line_id: str) -> Response:
        """Lead a line back to its calls, page by page, and compute its amount again."""
        line = selectors.get_line(self.actor, line_id)
        if line.invoice.public_id != invoice_id:
            raise NotFound
        proof = prove_line(line)
        paginator = HistoryPagination()
        page = paginator.paginate_queryset(proof.events, request, view=self)
        events = paginator.get_paginated_response(UsageEventSerializer(page, many=True).data)
        context = {"currency": line.currency}
        return Response(
            {
                "line": InvoiceLineOutput(line).data,
                "invoice_id": line.invoice.public_id,
                "charge": ChargeOutput(line.charge).data if line.charge else None,
                "steps": StepOutput(proof.steps, many=True, context=context).data,
                "windows": CountedWindowOutput(proof.windows, many=True).data,
                "events": events.data,
                "recomputed": RecomputedOutput(proof.recomputed).data,
            }
        )
