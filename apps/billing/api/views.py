"""Endpoints of billing for consumers, providers and the operator."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.billing import estimates, selectors
from apps.billing.api import serializers as shapes
from apps.billing.enums import InvoiceStatus, PaymentStatus
from apps.billing.return_urls import portal_return_urls
from apps.billing.services import accounts, documents, payments
from apps.core import jobs
from apps.core.api.pagination import WholeList
from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput

READ = "billing.read"
MANAGE = "billing.manage"
FINANCE = "staff:operator,finance"
INVOICE_FILTERS = (*InvoiceStatus.values, "overdue")


class InvoicesView(ApiView):
    """The organization's invoices."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(
        parameters=[OpenApiParameter("status", str, enum=INVOICE_FILTERS)],
        responses=shapes.InvoiceOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List them, newest first; `status=overdue` are open ones past due."""
        wanted = request.query_params.get("status", "")
        if wanted and wanted not in INVOICE_FILTERS:
            raise InvalidInput(f"one of {', '.join(INVOICE_FILTERS)}", field="status")
        rows = selectors.list_invoices(self.actor, status=wanted)
        return self.paginated(rows, shapes.InvoiceOutput)


class InvoiceView(ApiView):
    """One invoice."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.InvoiceDetailOutput)
    def get(self, _request: Request, invoice_id: str) -> Response:
        """Show it with its lines."""
        invoice = selectors.get_invoice(self.actor, invoice_id)
        context = {"lines": selectors.list_lines(invoice)}
        return Response(shapes.InvoiceDetailOutput(invoice, context=context).data)


class PdfRenderer(BaseRenderer):
    """Lets a client ask for `application/pdf`; the view writes the bytes itself."""

    media_type = "application/pdf"
    format = "pdf"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """Return the document as it is."""
        return bytes(data)


class InvoicePdfView(ApiView):
    """An invoice to print."""

    method_permissions: ClassVar = {"GET": READ}
    renderer_classes = (*ApiView.renderer_classes, PdfRenderer)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, _request: Request, invoice_id: str) -> HttpResponse:
        """Download the PDF; 409 for a draft."""
        invoice = selectors.get_invoice(self.actor, invoice_id)
        content = documents.read_pdf(invoice=invoice)
        disposition = f'attachment; filename="{invoice.number}.pdf"'
        return HttpResponse(
            content,
            content_type="application/pdf",
            headers={"Content-Disposition": disposition},
        )


class InvoicePayView(ApiView):
    """Pays an invoice."""

    method_permissions: ClassVar = {"POST": MANAGE}

    @extend_schema(request=None, responses={202: shapes.PaymentOutput})
    def post(self, request: Request, invoice_id: str) -> Response:
        """Charge it to the default method; the same Idempotency-Key returns the same payment.

        The payment is usually `processing`: the provider's webhook completes it. 409 where there is nothing to
        pay, no method, or a payment under way.
        """
        invoice = selectors.get_invoice(self.actor, invoice_id)
        # Only the reservation belongs to the key's transaction: the provider is asked outside it.
        answer = self.once(
            request,
            lambda: (
                status.HTTP_202_ACCEPTED,
                {"id": payments.reserve_payment(invoice=invoice, actor=self.actor).public_id},
            ),
        )
        payment = selectors.get_payment(self.actor, answer.data["id"])
        if payment.status == PaymentStatus.PENDING:
            payment = payments.submit_payment(payment=payment, actor=self.actor)
        answer.data = shapes.PaymentOutput(payment).data
        return answer


class PaymentMethodsView(ApiView):
    """The organization's saved cards."""

    method_permissions: ClassVar = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=shapes.PaymentMethodOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List those in use."""
        rows = selectors.list_payment_methods(self.actor)
        return self.paginated(rows, shapes.PaymentMethodOutput)

    @extend_schema(request=shapes.PaymentMethodInput, responses={201: shapes.PaymentMethodOutput})
    def post(self, _request: Request) -> Response:
        """Save a card that the payer entered at the provider; it becomes the default. Again changes nothing."""
        given = self.validated(shapes.PaymentMethodInput)
        method = accounts.add_payment_method(
            organization=get_current_organization(self.actor),
            method_reference=given["method_reference"],
            actor=self.actor,
        )
        return Response(shapes.PaymentMethodOutput(method).data, status=status.HTTP_201_CREATED)


class PaymentMethodView(ApiView):
    """One saved card."""

    method_permissions: ClassVar = {"DELETE": MANAGE}

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, method_id: str) -> Response:
        """Stop using it, here and at the provider."""
        method = selectors.get_payment_method(self.actor, method_id)
        accounts.remove_payment_method(method=method, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SetupSessionView(ApiView):
    """Opens the provider's page for entering a card."""

    method_permissions: ClassVar = {"POST": MANAGE}

    @extend_schema(request=shapes.SetupSessionInput, responses={201: shapes.SetupSessionOutput})
    def post(self, _request: Request) -> Response:
        """Return the page's address; the card is saved when the payer has entered it."""
        given = self.validated(shapes.SetupSessionInput)
        pages = portal_return_urls()
        url = accounts.start_method_setup(
            organization=get_current_organization(self.actor),
            return_url=given.get("return_url", pages.done),
            cancel_url=given.get("return_url", pages.cancelled),
        )
        return Response({"url": url}, status=status.HTTP_201_CREATED)


class PaymentsView(ApiView):
    """The organization's payments."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.PaymentOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_payments(self.actor), shapes.PaymentOutput)


class PaymentView(ApiView):
    """One payment."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.PaymentOutput)
    def get(self, _request: Request, payment_id: str) -> Response:
        """Show it with the provider's reference and status."""
        payment = selectors.get_payment(self.actor, payment_id)
        return Response(shapes.PaymentOutput(payment).data)


class BillingAccountView(ApiView):
    """What invoices say about the buyer."""

    method_permissions: ClassVar = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=shapes.BillingAccountOutput)
    def get(self, _request: Request) -> Response:
        """Show it."""
        organization = get_current_organization(self.actor)
        account = accounts.get_or_create_account(organization=organization)
        return Response(shapes.BillingAccountOutput(account).data)

    @extend_schema(request=shapes.BillingAccountInput, responses=shapes.BillingAccountOutput)
    def patch(self, _request: Request) -> Response:
        """Change it for invoices from now on; issued ones stay as they are."""
        given = self.validated(shapes.BillingAccountInput)
        account = accounts.get_or_create_account(organization=get_current_organization(self.actor))
        account = accounts.update_account(
            account=account,
            legal_name=given.get("legal_name", account.legal_name),
            address=given.get("address", account.address),
            tax_id=given.get("tax_id", account.tax_id),
            actor=self.actor,
        )
        return Response(shapes.BillingAccountOutput(account).data)


class BillingPeriodsView(ApiView):
    """The billing periods of the organization's subscriptions."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.BillingPeriodOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_periods(self.actor), shapes.BillingPeriodOutput)


class EstimateView(ApiView):
    """The next charge."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=shapes.EstimateOutput)
    def get(self, _request: Request) -> Response:
        """Rate the running periods: if they ended now, and at the pace of the last week. Before tax."""
        found = estimates.estimate_periods(list(selectors.list_open_periods(self.actor)))
        totals = [
            {"so_far": so_far, "projected": projected}
            for so_far, projected in estimates.totals_by_currency(found)
        ]
        return Response(shapes.EstimateOutput({"totals": totals, "periods": found}).data)


class EarningsView(ApiView):
    """What the organization earns as a provider."""

    method_permissions: ClassVar = {"GET": "earnings.read"}

    @extend_schema(responses=shapes.EarningOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List its shares of paid lines, newest first."""
        return self.paginated(selectors.list_earnings(self.actor), shapes.EarningOutput)


class EarningTotalsView(ApiView):
    """The provider's totals."""

    paginator_class = WholeList
    method_permissions: ClassVar = {"GET": "earnings.read"}

    @extend_schema(responses=shapes.EarningTotalsOutput(many=True))
    def get(self, _request: Request) -> Response:
        """Return gross, fees, accrued, payable and paid per currency; sandbox money apart."""
        return self.paginated(selectors.earning_totals(self.actor), shapes.EarningTotalsOutput)


class ClosePeriodsView(ApiView):
    """Closes what is due, without waiting for the schedule."""

    method_permissions: ClassVar = {"POST": FINANCE}

    @extend_schema(request=None, responses={202: shapes.JobOutput})
    def post(self, request: Request) -> Response:
        """Start the job that closes, rates and invoices every period that has ended."""

        def start() -> tuple[int, Any]:
            run = jobs.enqueue("billing.close_due_periods", actor=self.actor)
            body = {"job_id": run.public_id, "name": run.name, "status": run.status}
            return status.HTTP_202_ACCEPTED, body

        return self.once(request, start)


class AllPeriodsView(ApiView):
    """The billing periods of every organization."""

    method_permissions: ClassVar = {"GET": FINANCE}

    @extend_schema(responses=shapes.BillingPeriodOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List them, newest first."""
        return self.paginated(selectors.list_every_period(), shapes.BillingPeriodOutput)
