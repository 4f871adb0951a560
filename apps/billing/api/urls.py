"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.billing.api import costs, refunds, rerating, views
from apps.billing.api.proofs import LineProofView

urlpatterns = [
    path("billing/invoices", views.InvoicesView.as_view(), name="billing-invoices"),
    path("billing/invoices/<str:invoice_id>", views.InvoiceView.as_view(), name="billing-invoice"),
    path(
        "billing/invoices/<str:invoice_id>/pdf",
        views.InvoicePdfView.as_view(),
        name="billing-invoice-pdf",
    ),
    path(
        "billing/invoices/<str:invoice_id>/pay",
        views.InvoicePayView.as_view(),
        name="billing-invoice-pay",
    ),
    path(
        "billing/invoices/<str:invoice_id>/lines/<str:line_id>/proof",
        LineProofView.as_view(),
        name="billing-line-proof",
    ),
    path(
        "billing/invoices/<str:invoice_id>/refund-requests",
        refunds.RefundRequestsView.as_view(),
        name="billing-refund-requests",
    ),
    path("billing/refunds", refunds.RefundsView.as_view(), name="billing-refunds"),
    path("billing/refunds/<str:refund_id>", refunds.RefundView.as_view(), name="billing-refund"),
    path(
        "billing/refunds/<str:refund_id>/cancel",
        refunds.RefundCancelView.as_view(),
        name="billing-refund-cancel",
    ),
    path("billing/credit-notes", refunds.CreditNotesView.as_view(), name="billing-credit-notes"),
    path(
        "billing/credit-notes/<str:note_id>",
        refunds.CreditNoteView.as_view(),
        name="billing-credit-note",
    ),
    path(
        "billing/credit-notes/<str:note_id>/pdf",
        refunds.CreditNotePdfView.as_view(),
        name="billing-credit-note-pdf",
    ),
    path(
        "billing/payment-methods",
        views.PaymentMethodsView.as_view(),
        name="billing-payment-methods",
    ),
    path(
        "billing/payment-methods/setup-session",
        views.SetupSessionView.as_view(),
        name="billing-setup-session",
    ),
    path(
        "billing/payment-methods/<str:method_id>",
        views.PaymentMethodView.as_view(),
        name="billing-payment-method",
    ),
    path("billing/payments", views.PaymentsView.as_view(), name="billing-payments"),
    path("billing/payments/<str:payment_id>", views.PaymentView.as_view(), name="billing-payment"),
    path("billing/account", views.BillingAccountView.as_view(), name="billing-account"),
    path("billing/periods", views.BillingPeriodsView.as_view(), name="billing-periods"),
    path("billing/estimate", views.EstimateView.as_view(), name="billing-estimate"),
    path("usage/cost", costs.UsageCostView.as_view(), name="usage-cost"),
    path("earnings", views.EarningsView.as_view(), name="earnings"),
    path("earnings/totals", views.EarningTotalsView.as_view(), name="earnings-totals"),
    path(
        "admin/billing/close-periods",
        views.ClosePeriodsView.as_view(),
        name="admin-billing-close-periods",
    ),
    path(
        "admin/billing/reratings",
        rerating.DueReratingsView.as_view(),
        name="admin-billing-reratings",
    ),
    path(
        "admin/billing/periods/<str:period_id>/rerating",
        rerating.PeriodReratingView.as_view(),
        name="admin-billing-period-rerating",
    ),
    path("admin/billing/refunds", refunds.AllRefundsView.as_view(), name="admin-billing-refunds"),
    path(
        "admin/billing/refunds/<str:refund_id>/retry",
        refunds.RefundRetryView.as_view(),
        name="admin-billing-refund-retry",
    ),
    path("admin/billing/periods", views.AllPeriodsView.as_view(), name="admin-billing-periods"),
]
