"""How a key moves to a newer pepper: by the digest that an authorizer computed when it was used."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.keys.enums import ENDED_STATUSES
from apps.keys.events import KeyChanged
from apps.keys.models import ApiKey
from apps.keys.services.changing import facts_of


@transaction.atomic
def rehash_key(*, key_id: UUID, digest: str, pepper_number: int, actor: Actor) -> bool:
    """Store a key under the newest pepper; return whether it moved. Publishes KeyChanged.

    Idempotent: a key that has ended or that has come as far already stays, and a digest that another key has is refused.
    """
    key = ApiKey.objects.filter(pk=key_id).select_for_update(of=("self",), no_key=True).first()
    is_newest = pepper_number == max(settings.KEY_PEPPERS)
    if key is None or key.status in ENDED_STATUSES or not is_newest:
        return False
    is_taken = ApiKey.objects.filter(digest=digest).exists()
    if key.pepper_number >= pepper_number or is_taken:
        return False
    before = key.pepper_number
    key.digest, key.pepper_number = digest, pepper_number
    key.save(update_fields=["digest", "pepper_number", "updated_at"])
    record_audit(
        action="keys:key:rehashed",
        target=key,
        actor=actor,
        before={"pepper": before},
        after={"pepper": pepper_number},
    )
    publish(KeyChanged(**facts_of(key), status=key.status))
    return True
