"""/v1/disputes: the card holder's bank takes the money back, and the seller may answer."""

from __future__ import annotations

from typing import Final

import stripe

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.events import changed_fields, emit
from deploy.local.stripe_fake.ids import new_id, now
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources.balance import book
from deploy.local.stripe_fake.shapes import merge_metadata, shape

URL = "/v1/disputes"
FEE_MINOR: Final = 1500
RESPONSE_TIME_S: Final = 9 * 24 * 3600
# Stripe's documented texts that decide a test dispute at once.
VERDICTS: Final = {"winning_evidence": "won", "losing_evidence": "lost"}
NO_EVIDENCE: Json = dict.fromkeys(
    name for name in stripe.Dispute.Evidence.__annotations__ if name != "enhanced_evidence"
) | {"enhanced_evidence": {}}


def open_dispute(call: Call, charge: Json) -> Json:
    """Dispute a charge: its amount and a fee leave the balance."""
    dispute = shape(
        "dispute",
        id=new_id("du"),
        amount=charge["amount"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=NO_EVIDENCE,
        evidence_details={
            "due_by": now() + RESPONSE_TIME_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=False,
        metadata={},
        network_reason_code="10",
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10",
            },
            "type": "card",
        },
        reason="fraudulent",
        status="needs_response",
    )
    _move(call, dispute, -dispute["amount"], fee=FEE_MINOR, category="dispute")
    call.store.save(charge | {"disputed": True})
    emit(call, "charge.dispute.created", call.store.save(dispute))
    emit(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _move(call: Call, dispute: Json, amount: int, *, fee: int, category: str) -> None:
    movement = book(call, dispute, amount, fee=fee, category=category)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], movement]


@operation("GET", f"{URL}/{{id}}", "DisputeRetrieveParams")
def retrieve_dispute(call: Call) -> Json:
    """Return a dispute."""
    return call.fetch("dispute")


@operation("GET", URL, "DisputeListParams")
def list_disputes(call: Call) -> Json:
    """List disputes, newest first."""
    return list_objects(call, "dispute", URL, filters=("charge", "payment_intent"))


@operation("POST", f"{URL}/{{id}}", "DisputeModifyParams")
def update_dispute(call: Call) -> Json:
    """Answer with evidence; Stripe's two test texts decide the case."""
    before = call.fetch("dispute")
    evidence = call.params.get("evidence") or {}
    if evidence:
        _require_open(before)
    dispute = before | {
        "evidence": before["evidence"] | evidence,
        "metadata": merge_metadata(before["metadata"], call.params.get("metadata")),
    }
    if not evidence or call.params.get("submit") is False:
        return _save_update(call, before, dispute)
    details = before["evidence_details"]
    dispute["evidence_details"] = details | {
        "has_evidence": True,
        "submission_count": details["submission_count"] + 1,
    }
    dispute["status"] = "under_review"
    _save_update(call, before, dispute)
    verdict = VERDICTS.get(evidence.get("uncategorized_text", ""))
    return _decide(call, dispute, verdict) if verdict else dispute


@operation("POST", f"{URL}/{{id}}/close", "DisputeCloseParams")
def close_dispute(call: Call) -> Json:
    """Accept the dispute as lost."""
    dispute = call.fetch("dispute")
    _require_open(dispute)
    return _decide(call, dispute, "lost")


def _require_open(dispute: Json) -> None:
    if dispute["status"] in ("won", "lost"):
        raise StripeError("This dispute is already closed", code="dispute_already_closed")


def _save_update(call: Call, before: Json, dispute: Json) -> Json:
    saved = call.store.save(dispute)
    emit(call, "charge.dispute.updated", saved, changed_fields(before, saved))
    return saved


def _decide(call: Call, dispute: Json, verdict: str) -> Json:
    """Close a dispute; when it is won, amount and fee come back."""
    dispute["status"] = verdict
    if verdict == "won":
        _move(call, dispute, dispute["amount"], fee=-FEE_MINOR, category="dispute_reversal")
        emit(call, "charge.dispute.funds_reinstated", call.store.save(dispute))
    emit(call, "charge.dispute.closed", call.store.save(dispute))
    return dispute
