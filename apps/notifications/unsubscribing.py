"""The link below a mail that switches mails like it off, without signing in.

It names the person and the group and is signed; it never expires, because mails are kept for years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from apps.accounts.models import User

SALT: Final = "notifications.unsubscribe"
ROUTE: Final = "notifications:unsubscribe"


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Who wants no mails of which group."""

    user_id: UUID
    group: str


def unsubscribe_url(user: User, group: str) -> str:
    """Return the address of the page that switches a person's mails of a group off."""
    token = signing.dumps([str(user.pk), group], salt=SALT)
    return f"{settings.PUBLIC_URL}{reverse(ROUTE, args=[token])}"


def read_token(token: str) -> Unsubscription | None:
    """Return what a link asks for; None if it was not made by us."""
    try:
        user_id, group = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return Unsubscription(user_id=UUID(user_id), group=group)
