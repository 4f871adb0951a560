"""Scheduled jobs of this app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from apps.billing.enums import PaymentStatus, RefundStatus
from apps.billing.exceptions import PaymentProviderUnavailable
from apps.billing.models import Payment, Refund
from apps.billing.services import invoices, payments, periods, refund_sending, renewals, rerating
from apps.core import jobs
from apps.core.actors import Actor
from apps.core.enums import JobTrigger
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule

logger = structlog.get_logger(__name__)


# A thousand take seconds: not worth a second worker.
SHARED_FROM: Final = 1_000


@job(periods.CLOSE_JOB, queue="billing")
def close_due_periods(_context: JobContext, *, is_helper: bool = False) -> dict[str, int]:
    """Close, rate and invoice every period that has ended, also several of one subscription.

    Where many are due, it has a second worker help: the two share them.
    """
    actor = Actor.system("period closing")
    if not is_helper and periods.due_periods()[:SHARED_FROM].count() == SHARED_FROM:
        jobs.enqueue(periods.CLOSE_JOB, actor=actor, trigger=JobTrigger.SCHEDULE, is_helper=True)
    total: Counter[str] = Counter()
    while True:
        counts = periods.close_due_periods(actor=actor)
        total.update(counts)
        total["waiting"] = counts["waiting"]  # as it stands now; the relay closes them later
        if not counts["closing"] and not counts["closed"]:
            return dict(total)


@job("billing.announce_renewals", queue="billing")
def announce_renewals(_context: JobContext) -> dict[str, int]:
    """Tell consumers that a period of a year or more is nearly over."""
    return {"told": renewals.announce_renewals(actor=Actor.system("billing.announce_renewals"))}


@job("billing.issue_due_drafts", queue="billing")
def issue_due_drafts(_context: JobContext) -> dict[str, int]:
    """Issue the drafts that wait for no period, such as fees in advance."""
    return {"issued": invoices.finalize_due_drafts(actor=Actor.system("invoicing"))}


@job("billing.rerate_periods", queue="billing")
def rerate_periods(_context: JobContext) -> dict[str, int]:
    """Rate closed periods again that usage came late for, or whose windows a rewind found wrong."""
    return rerating.rerate_due_periods(actor=Actor.system("re-rating"))


@job("billing.reconcile_payments", queue="billing")
def reconcile_payments(context: JobContext) -> dict[str, int]:
    """Ask the provider for payments that are under way: a webhook may have been lost."""
    actor = Actor.system("payment reconciliation")
    under_way = list(
        Payment.objects.filter(
            status__in=(PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)
        ).exclude(provider_reference="")
    )
    for number, payment in enumerate(under_way, start=1):
        payments.sync_stripe_payment(reference=payment.provider_reference, actor=actor)
        context.progress(number, len(under_way))
    waiting = Payment.objects.filter(status=PaymentStatus.PENDING).select_related(
        "invoice__organization", "method"
    )
    resumed = [payments.submit_payment(payment=payment, actor=actor) for payment in waiting]
    return {"checked": len(under_way), "resumed": len(resumed)}


@job("billing.reconcile_refunds", queue="billing")
def reconcile_refunds(context: JobContext) -> dict[str, int]:
    """Ask the provider for refunds that are under way, and send those that never were."""
    actor = Actor.system("refund reconciliation")
    unsent = [
        partial(refund_sending.send_refund, refund=refund, actor=actor)
        for refund in Refund.objects.filter(status=RefundStatus.APPROVED).select_related("payment")
    ]
    unavailable = _try_each(unsent, context)
    # Also those that were sent just now: the provider may know their end already.
    under_way = [
        partial(refund_sending.sync_refund, reference=refund.provider_reference, actor=actor)
        for refund in Refund.objects.filter(status=RefundStatus.PROCESSING)
    ]
    unavailable += _try_each(under_way, context)
    return {"sent": len(unsent), "checked": len(under_way), "unavailable": unavailable}


def _try_each(steps: Sequence[partial[Any]], context: JobContext) -> int:
    """Take each step; one that the provider does not answer does not keep the others waiting. Return how many those were."""
    unavailable = 0
    for number, step in enumerate(steps, start=1):
        try:
            step()
        except PaymentProviderUnavailable as error:
            unavailable += 1
            logger.warning("billing.refund_not_reconciled", error=str(error.__cause__ or error))
        context.progress(number, len(steps))
    return unavailable


schedule(periods.CLOSE_JOB, every=timedelta(hours=6))
schedule("billing.announce_renewals", every=timedelta(hours=6))
schedule("billing.issue_due_drafts", every=timedelta(hours=1))
schedule("billing.rerate_periods", every=timedelta(days=1))
schedule("billing.reconcile_payments", every=timedelta(hours=1))
schedule("billing.reconcile_refunds", every=timedelta(hours=1))
