"""What of rotation and renewal is possible for a key: the plan's word, the owner's choice, and when it happens."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from apps.keys.constants import MAX_ROTATION_DAYS
from apps.keys.exceptions import InvalidKeyTerms
from apps.pricing.models import Plan


def require_possible_rotation(plan: Plan, rotation_days: int | None) -> None:
    """Refuse an interval that the plan does not allow. None is what the plan says, 0 is never.

    Raises:
        InvalidKeyTerms: out of range, or longer than a plan on which rotation cannot be switched off.
    """
    if rotation_days is None:
        return
    if not 0 <= rotation_days <= MAX_ROTATION_DAYS:
        raise InvalidKeyTerms(_("Choose 1 to 365 days."), field="rotation_days")
    most = _demanded_by(plan)
    if most is not None and not 1 <= rotation_days <= most:
        detail = _("This plan rotates keys at least every %(days)s days.") % {"days": most}
        raise InvalidKeyTerms(detail, field="rotation_days")


def require_possible_renewal(*, is_wanted: bool, expires_at: datetime | None) -> None:
    """Refuse to renew a key that has no end.

    Raises:
        InvalidKeyTerms: there is nothing to renew.
    """
    if is_wanted and expires_at is None:
        raise InvalidKeyTerms(_("A key without an end needs no renewal."), field="auto_renew")


def effective_days(plan: Plan, rotation_days: int | None) -> int | None:
    """Return after how many days a key is replaced; None for never.

    A plan that has become stricter since the key chose holds for its successors.
    """
    most = _demanded_by(plan)
    if rotation_days is None:
        return plan.key_rotation_days
    if most is not None:
        return min(rotation_days or most, most)
    return rotation_days or None


def next_rotation(plan: Plan, rotation_days: int | None, *, since: datetime) -> datetime | None:
    """Return when a key is replaced that begins to count at an instant of its account's business time."""
    days = effective_days(plan, rotation_days)
    return None if days is None else since + timedelta(days=days)


def _demanded_by(plan: Plan) -> int | None:
    return None if plan.key_rotation_optional else plan.key_rotation_days
