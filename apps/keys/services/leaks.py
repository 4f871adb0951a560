"""What happens when somebody finds a key in public."""

from __future__ import annotations

import hashlib

from django.db import transaction

from apps.accounts.models import Organization
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.keys.enums import ENDED_STATUSES, LeakOutcome, LeakPolicy
from apps.keys.events import KeyLeaked
from apps.keys.models import ApiKey, KeyLeak, KeyPolicy
from apps.keys.selectors import leak_policy_of
from apps.keys.services.changing import end_by_revoking, facts_of


@transaction.atomic
def report_leak(*, key: ApiKey, url: str, source: str, actor: Actor) -> KeyLeak:
    """Do what the key's organization wants done with a key that was found in public.

    A place that was reported before changes nothing. A key that has ended is noted, and nobody is disturbed.
    Leaves one row in the trail. Publishes KeyLeaked, and KeyRevoked where the key is revoked.
    """
    key = ApiKey.objects.lock(key.pk)
    digest = hashlib.sha256(url.encode()).hexdigest()
    known = KeyLeak.objects.filter(key=key, url_digest=digest).first()
    if known is not None:
        return known
    outcome = _outcome_for(key)
    leak = KeyLeak.objects.create(
        organization_id=key.organization_id,
        key=key,
        source=source,
        url=url,
        url_digest=digest,
        outcome=outcome,
    )
    if outcome == LeakOutcome.REVOKED:
        end_by_revoking(key, actor=actor, reason=f"leaked: {url or source}")
    else:
        record_audit(
            action="keys:key:leaked",
            target=key,
            actor=actor,
            after={"url": url, "source": source, "outcome": outcome},
        )
    publish(KeyLeaked(**facts_of(key), leak_id=leak.pk, url=url, source=source, outcome=outcome))
    return leak


@transaction.atomic
def change_leak_policy(
    *, organization: Organization, on_leak: LeakPolicy, actor: Actor
) -> KeyPolicy:
    """Say what is to be done with keys of an organization that are found in public from now on."""
    policy, _is_new = KeyPolicy.objects.get_or_create(organization=organization)
    policy = KeyPolicy.objects.lock(policy.pk)
    before = policy.on_leak
    if before != on_leak:
        policy.on_leak = on_leak
        policy.save(update_fields=["on_leak", "updated_at"])
        record_audit(
            action="keys:policy:changed",
            target=policy,
            actor=actor,
            before={"on_leak": before},
            after={"on_leak": on_leak},
        )
    return policy


def _outcome_for(key: ApiKey) -> LeakOutcome:
    if key.status in ENDED_STATUSES:
        return LeakOutcome.ENDED
    is_revoking = leak_policy_of(key.organization_id) == LeakPolicy.REVOKE
    return LeakOutcome.REVOKED if is_revoking else LeakOutcome.NOTIFIED
