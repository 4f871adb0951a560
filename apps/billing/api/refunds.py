"""Endpoints of refunds and credit notes, for payers and for finance."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.billing import selectors
from apps.billing.api import refund_serializers as shapes
from apps.billing.api.views import MANAGE, READ, PdfRenderer
from apps.billing.enums import RefundStatus
from apps.billing.services import documents, refunds
from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput

STAFF_READ = "staff:operator,finance"
FINANCE = "staff:finance"


class RefundRequestsView(ApiView):
    """Asks for an invoice's money back."""

    method_permissions: ClassVar = {"POST": MANAGE}

    @extend_schema(request=shapes.RefundInput, responses={201: shapes.RefundOutput})
    def post(self, request: Request, invoice_id: str) -> Response:
        """Ask for an amount, or for all that is left; the same Idempotency-Key returns the same refund.

        409 where nothing is left to give back, or a refund of the invoice is under way; 422 for more than what is left.
        """
        given = self.validated(shapes.RefundInput)
        invoice = selectors.get_invoice(self.actor, invoice_id)

        def ask() -> Any:
            refund = refunds.request_refund(
                invoice=invoice,
                amount=given.get("amount"),
                reason=given["reason"],
                actor=self.actor,
            )
            return shapes.RefundOutput(refund).data

        return self.created(request, ask)


class RefundsView(ApiView):
    """The organization's refunds."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.RefundOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_refunds(self.actor), shapes.RefundOutput)


class RefundView(ApiView):
    """One refund."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.RefundOutput)
    def get(self, _request: Request, refund_id: str) -> Response:
        """Show it with the decision and the provider's reference."""
        refund = selectors.get_refund(self.actor, refund_id)
        return Response(shapes.RefundOutput(refund).data)


class RefundCancelView(ApiView):
    """Takes the question back."""

    method_permissions: ClassVar = {"POST": MANAGE}

    @extend_schema(request=None, responses=shapes.RefundOutput)
    def post(self, _request: Request, refund_id: str) -> Response:
        """Withdraw a refund that is not decided yet; 409 after that."""
        refund = selectors.get_refund(self.actor, refund_id)
        refund = refunds.withdraw_refund(refund=refund, actor=self.actor)
        return Response(shapes.RefundOutput(refund).data)


class CreditNotesView(ApiView):
    """The organization's credit notes."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.CreditNoteOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_credit_notes(self.actor), shapes.CreditNoteOutput)


class CreditNoteView(ApiView):
    """One credit note."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.CreditNoteDetailOutput)
    def get(self, _request: Request, note_id: str) -> Response:
        """Show it with its lines."""
        note = selectors.get_credit_note(self.actor, note_id)
        context = {"lines": selectors.list_credit_lines(note)}
        return Response(shapes.CreditNoteDetailOutput(note, context=context).data)


class CreditNotePdfView(ApiView):
    """A credit note to print."""

    method_permissions: ClassVar = {"GET": READ}
    renderer_classes = (*ApiView.renderer_classes, PdfRenderer)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, _request: Request, note_id: str) -> HttpResponse:
        """Download the PDF."""
        note = selectors.get_credit_note(self.actor, note_id)
        return HttpResponse(
            documents.render_credit_note_pdf(note=note),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{note.number}.pdf"'},
        )


class AllRefundsView(ApiView):
    """The refunds of every organization."""

    method_permissions: ClassVar = {"GET": STAFF_READ}

    @extend_schema(
        parameters=[OpenApiParameter("status", str, enum=RefundStatus.values)],
        responses=shapes.StaffRefundOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List them, newest first, all or those of one status."""
        wanted = request.query_params.get("status", "")
        if wanted and wanted not in RefundStatus.values:
            raise InvalidInput(f"one of {', '.join(RefundStatus.values)}", field="status")
        rows = selectors.list_every_refund(status=wanted)
        return self.paginated(rows, shapes.StaffRefundOutput)


class RefundRetryView(ApiView):
    """Sends a failed refund again."""

    method_permissions: ClassVar = {"POST": FINANCE}

    @extend_schema(request=None, responses={202: shapes.StaffRefundOutput})
    def post(self, request: Request, refund_id: str) -> Response:
        """Send it under a new key; the provider is asked soon after. 409 for one that did not fail."""

        def retry() -> tuple[int, Any]:
            refund = selectors.get_refund(self.actor, refund_id)
            refund = refunds.retry_refund(refund=refund, actor=self.actor)
            return status.HTTP_202_ACCEPTED, shapes.StaffRefundOutput(refund).data

        return self.once(request, retry)
