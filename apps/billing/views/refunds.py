"""Portal pages of refunds: asking for one, taking the question back, the credit note."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.billing import selectors
from apps.billing.forms import RefundForm
from apps.billing.presentation import credit_note_document
from apps.billing.services import documents, refunds
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.core.money import Money


@console_page("billing.manage")
@require_http_methods(["GET", "POST"])
def ask_refund(request: ConsoleRequest, invoice_id: str) -> HttpResponse:
    """Ask for the money of a paid invoice back, all that is left or a part."""
    invoice = selectors.get_invoice(request.actor, invoice_id)
    left = refunds.refundable_amount(invoice)
    if request.method == "GET" and not left:
        messages.info(request, _("There is nothing to ask back on this invoice at the moment."))
        return redirect("billing:invoice", invoice_id)
    form = RefundForm(request.POST or None, left=left)
    if form.is_valid():
        given = form.cleaned_data
        with refusals_on(form):
            refunds.request_refund(
                invoice=invoice,
                amount=Money.from_decimal(given["amount"], invoice.currency),
                reason=given["reason"],
                actor=request.actor,
            )
            messages.success(request, _("Asked. You hear from us as soon as it is decided."))
            return redirect("billing:invoice", invoice_id)
    context = {
        "form": form,
        "invoice": invoice,
        "left": left,
        "crumbs": [
            (_("Billing"), reverse("billing:home")),
            (str(invoice), reverse("billing:invoice", args=[invoice_id])),
            (_("Refund"), ""),
        ],
    }
    return render(request, "billing/refund.html", context, status=422 if form.is_bound else 200)


@console_page("billing.manage")
@require_http_methods(["GET", "POST"])
def withdraw_refund(request: ConsoleRequest, refund_id: str) -> HttpResponse:
    """Ask, then take the question back."""
    refund = selectors.get_refund(request.actor, refund_id)
    back = reverse("billing:invoice", args=[refund.invoice.public_id])
    if request.method == "POST":
        try:
            refunds.withdraw_refund(refund=refund, actor=request.actor)
        except DomainError as error:
            messages.error(request, str(error.detail))
        else:
            messages.success(request, _("Withdrawn. You can ask again."))
        return redirect(back)
    context = {
        "question": _("Withdraw the question for this refund?"),
        "action": request.path,
        "effects": [_("Nobody looks at it any more, and nothing is given back.")],
        "verb": _("Withdraw"),
        "cancel_url": back,
        "is_danger": True,
    }
    return render(request, "layouts/confirm.html", context)


@console_page("billing.read")
@require_GET
def credit_note(request: ConsoleRequest, note_id: str) -> HttpResponse:
    """Show a credit note: what was given back of which line of which invoice."""
    note = selectors.get_credit_note(request.actor, note_id)
    lines = list(selectors.list_credit_lines(note))
    document = credit_note_document(note, lines)
    invoice_url = reverse("billing:invoice", args=[note.invoice.public_id])
    context = {
        "note": note,
        "document": document,
        "lines": list(zip([line.line for line in lines], document.lines, strict=True)),
        "crumbs": [
            (_("Billing"), reverse("billing:home")),
            (str(note.invoice), invoice_url),
            (note.number, ""),
        ],
    }
    return render(request, "billing/credit_note.html", context)


@console_page("billing.read")
@require_GET
def credit_note_pdf(request: ConsoleRequest, note_id: str) -> HttpResponse:
    """Download a credit note."""
    note = selectors.get_credit_note(request.actor, note_id)
    headers = {"Content-Disposition": f'attachment; filename="{note.number}.pdf"'}
    content = documents.render_credit_note_pdf(note=note)
    return HttpResponse(content, content_type="application/pdf", headers=headers)
