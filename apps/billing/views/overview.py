"""Portal pages of billing: the overview, an invoice, the proof of a line, a provider's earnings."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.billing import estimates, pages, selectors
from apps.billing.constants import MARKETPLACE_FEE_PERCENT, PAYABLE_AFTER
from apps.billing.enums import InvoiceStatus
from apps.billing.forms import TaxDetailsForm
from apps.billing.presentation import (
    invoice_document,
    refund_failure,
    span_of,
    working_of,
)
from apps.billing.proofs import prove_line
from apps.billing.return_urls import portal_return_urls
from apps.billing.services import accounts, documents, payments, refunds
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on

PAGE_SIZE: Final = 25
CALLS_PAGE_SIZE: Final = 50
STATUS_FILTERS: Final = (
    ("", gettext_lazy("All")),
    (InvoiceStatus.OPEN, gettext_lazy("Open")),
    ("overdue", gettext_lazy("Overdue")),
    (InvoiceStatus.PAID, gettext_lazy("Paid")),
)


@console_page("billing.read")
@require_GET
def home(request: ConsoleRequest) -> HttpResponse:
    """Answer what comes next and what is open; then invoices, cards and tax details."""
    return _home(request, _details_form(request))


@console_page("billing.manage")
@require_POST
def tax_details(request: ConsoleRequest) -> HttpResponse:
    """Change what invoices say about the buyer."""
    form = TaxDetailsForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            organization = get_current_organization(request.actor)
            account = accounts.get_or_create_account(organization=organization)
            accounts.update_account(account=account, actor=request.actor, **form.cleaned_data)
            messages.success(request, _("Saved. Your next invoice says so."))
            return redirect("billing:home")
    return _home(request, form, status=422)


@console_page("billing.read")
@require_GET
def invoice(request: ConsoleRequest, invoice_id: str) -> HttpResponse:
    """Show an invoice: what is to pay, its lines down to the calculation, its payments, its history."""
    found = selectors.get_invoice(request.actor, invoice_id)
    lines = list(selectors.list_lines(found))
    document = invoice_document(found, lines)
    context = {
        "invoice": found,
        "document": document,
        "lines": list(zip(lines, document.lines, strict=True)),
        "state": pages.state_of(found),
        "payments": selectors.payments_of(found),
        "refunds": [(row, refund_failure(row)) for row in selectors.refunds_of(found)],
        "can_refund": pages.can_ask_refund(refunds.refundable_amount(found), request.actor),
        "can_manage": request.actor.can("billing.manage"),
        "history": pages.history_entries(selectors.history_of(found)),
        "can_pay": pages.can_pay(found, request.actor),
        "has_method": selectors.list_payment_methods(request.actor).exists(),
        "crumbs": [*_crumbs(), (str(found), "")],
    }
    return render(request, "billing/invoice.html", context)


@console_page("billing.read")
@require_GET
def invoice_pdf(request: ConsoleRequest, invoice_id: str) -> HttpResponse:
    """Download an issued invoice; a draft leads back to its page, which says that it is one."""
    found = selectors.get_invoice(request.actor, invoice_id)
    try:
        content = documents.read_pdf(invoice=found)
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect("billing:invoice", invoice_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.number}.pdf"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@console_page("billing.manage")
@require_POST
def pay(request: ConsoleRequest, invoice_id: str) -> HttpResponse:
    """Charge an invoice to the default card."""
    found = selectors.get_invoice(request.actor, invoice_id)
    try:
        payment = payments.pay_invoice(invoice=found, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        pages.tell_payment(request, payment)
    return redirect("billing:invoice", invoice_id)


@console_page("billing.read")
@require_GET
def line(request: ConsoleRequest, line_id: str) -> HttpResponse:
    """Prove a line: its calculation, the hours it counted, the calls in them."""
    found = selectors.get_line(request.actor, line_id)
    proof = prove_line(found)
    invoice_url = reverse("billing:invoice", args=[found.invoice.public_id])
    context = {
        "line": found,
        "proof": proof,
        "steps": working_of(found),
        "page_obj": Paginator(proof.events, CALLS_PAGE_SIZE).get_page(request.GET.get("page")),  # type: ignore[arg-type]  # a history has a length and pages
        "crumbs": [*_crumbs(), (str(found.invoice), invoice_url), (found.description, "")],
    }
    return render(request, "billing/line.html", context)


@console_page("billing.manage")
@require_POST
def add_method(request: ConsoleRequest) -> HttpResponse:
    """Send the payer to the provider's page for entering a card."""
    urls = portal_return_urls()
    try:
        page = accounts.start_method_setup(
            organization=get_current_organization(request.actor),
            return_url=urls.done,
            cancel_url=urls.cancelled,
        )
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect("billing:home")
    return HttpResponseRedirect(page)


@console_page("billing.manage")
@require_GET
def method_added(request: ConsoleRequest) -> HttpResponse:
    """Save the card when the payer comes back; if they never do, the provider's webhook saves it."""
    try:
        method = accounts.finish_method_setup(
            organization=get_current_organization(request.actor),
            session_reference=request.GET.get("session", ""),
            actor=request.actor,
        )
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("%(card)s is saved and used from now on.") % {"card": method})
    return redirect("billing:home")


@console_page("billing.manage")
@require_http_methods(["GET", "POST"])
def remove_method(request: ConsoleRequest, method_id: str) -> HttpResponse:
    """Ask, then stop using a card."""
    method = selectors.get_payment_method(request.actor, method_id)
    if request.method == "POST":
        accounts.remove_payment_method(method=method, actor=request.actor)
        messages.success(request, _("%(card)s was removed.") % {"card": method})
        return redirect("billing:home")
    context = {
        "question": _("Remove %(card)s?") % {"card": method},
        "action": request.path,
        "effects": [
            _("It is not charged any more."),
            _("Your newest other card is charged in its place, if you have one."),
        ],
        "verb": _("Remove"),
        "cancel_url": reverse("billing:home"),
        "is_danger": True,
    }
    return render(request, "layouts/confirm.html", context)


@console_page("earnings.read")
@require_GET
def earnings(request: ConsoleRequest) -> HttpResponse:
    """Answer what is paid out next; then the ledger, with the fee explained."""
    rows = Paginator(selectors.list_earnings(request.actor), PAGE_SIZE)
    page = rows.get_page(request.GET.get("page"))
    context = {
        "totals": selectors.earning_totals(request.actor),
        "page_obj": page,
        "rows": [(row, span_of(row.line)) for row in page],
        "fee_percent": MARKETPLACE_FEE_PERCENT,
        "payable_after_days": PAYABLE_AFTER.days,
    }
    return render(request, "billing/earnings.html", context)


def _home(request: ConsoleRequest, form: TaxDetailsForm, status: int = 200) -> HttpResponse:
    wanted = request.GET.get("status", "")
    known = dict(STATUS_FILTERS)
    rows = selectors.list_invoices(request.actor, status=wanted if wanted in known else "")
    running = estimates.estimate_periods(list(selectors.list_open_periods(request.actor)))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "running": running,
        "totals": estimates.totals_by_currency(running),
        "next_charge_at": running[0].period.period_end if running else None,
        "receivables": selectors.receivables(request.actor),
        "drafts": selectors.waiting_on_drafts(request.actor),
        "page_obj": page,
        "invoices": [(row, pages.state_of(row)) for row in page],
        "filters": [(key, label, key == wanted) for key, label in STATUS_FILTERS],
        "methods": selectors.list_payment_methods(request.actor),
        "form": form,
        "can_manage": request.actor.can("billing.manage"),
    }
    return render(request, "billing/home.html", context, status=status)


def _details_form(request: ConsoleRequest) -> TaxDetailsForm:
    organization = get_current_organization(request.actor)
    account = accounts.get_or_create_account(organization=organization)
    names = ("legal_name", "address", "tax_id")
    return TaxDetailsForm(initial={name: getattr(account, name) for name in names})


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Billing"), reverse("billing:home"))]
