"""What is saved all the same, but will stand in the way of a submission."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final

from apps.apis.enums import UpdateStatus
from apps.apis.models import Api, ApiUpdate
from apps.apis.selectors import find_latest_check
from apps.apis.services.health import probe
from apps.apis.services.monitoring import check_upstream

UPSTREAM_UNREACHABLE: Final = "upstream_unreachable"


@dataclass(frozen=True, slots=True)
class FieldWarning:
    """What is doubtful, at which field, in the provider's words."""

    field: str
    code: str
    detail: str


def warn_of_upstream(*, api: Api) -> list[FieldWarning]:
    """Call the upstream that was just saved, ten seconds at most, and warn where it is not well.

    An upstream that waits for an approver is called instead of the one in force; what comes of it is not stored.

    Raises:
        TransactionForbiddenError: called inside a transaction.
    """
    wanted = _waiting_upstream(api)
    if not wanted:
        return _warnings(check_upstream(api=api).error)
    as_wanted = copy.copy(api)
    as_wanted.upstream_url = wanted
    return _warnings(probe(as_wanted).error)


def known_upstream_warnings(*, api: Api) -> list[FieldWarning]:
    """Return what the last call of the upstream warned of; calls nobody."""
    check = find_latest_check(api)
    return _warnings(check.error) if check else []


def _waiting_upstream(api: Api) -> str:
    update = ApiUpdate.objects.filter(api=api, status=UpdateStatus.PENDING).first()
    return str(update.changes.get("upstream_url", {}).get("after", "")) if update else ""


def _warnings(error: str) -> list[FieldWarning]:
    return [FieldWarning("upstream_url", UPSTREAM_UNREACHABLE, error)] if error else []
