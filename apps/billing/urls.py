"""Portal routes of this app, and the address that Stripe posts to."""

from __future__ import annotations

from django.urls import path

from apps.billing import views
from apps.billing.webhook_endpoint import receive_webhook

app_name = "billing"
urlpatterns = [
    path("api/billing/webhook", receive_webhook, name="webhook"),
    path("console/billing/", views.home, name="home"),
    path("console/billing/details/", views.tax_details, name="details"),
    path("console/billing/invoices/<str:invoice_id>/", views.invoice, name="invoice"),
    path("console/billing/invoices/<str:invoice_id>/pdf", views.invoice_pdf, name="invoice_pdf"),
    path("console/billing/invoices/<str:invoice_id>/pay", views.pay, name="pay"),
    path("console/billing/invoices/<str:invoice_id>/refund", views.ask_refund, name="ask_refund"),
    path(
        "console/billing/refunds/<str:refund_id>/withdraw",
        views.withdraw_refund,
        name="withdraw_refund",
    ),
    path("console/billing/credit-notes/<str:note_id>/", views.credit_note, name="credit_note"),
    path(
        "console/billing/credit-notes/<str:note_id>/pdf",
        views.credit_note_pdf,
        name="credit_note_pdf",
    ),
    path("console/billing/lines/<str:line_id>/", views.line, name="line"),
    path("console/billing/payment-methods/add", views.add_method, name="add_method"),
    path("console/billing/payment-methods/added", views.method_added, name="method_added"),
    path(
        "console/billing/payment-methods/<str:method_id>/remove",
        views.remove_method,
        name="remove_method",
    ),
    path("console/provider/earnings/", views.earnings, name="earnings"),
]
