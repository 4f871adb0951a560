"""The deadlines that an operator sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.approvals.models import SlaPolicy
from apps.core.actors import Actor
from apps.core.audit import record_audit


@transaction.atomic
def set_sla_policy(*, policy: SlaPolicy, actor: Actor, before: Mapping[str, Any]) -> SlaPolicy:
    """Store a policy. Requests that are open keep the deadline that they were given."""
    policy.full_clean()
    policy.save()
    record_audit(
        action="approvals:sla_policy:set",
        target=policy,
        actor=actor,
        before={"resolution_hours": before.get("resolution_hours")},
        after={
            "subject_type": policy.subject_type,
            "priority": policy.priority,
            "resolution_hours": policy.resolution_hours,
        },
    )
    return policy
