"""An API that is offered keeps its organization's last owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.accounts.deletion_blockers import DeletionBlocker
from apps.apis.enums import ApiStatus
from apps.apis.models import Api

# Nobody calls these, and nobody decides about them.
IDLE: Final = (ApiStatus.DRAFT, ApiStatus.REJECTED, ApiStatus.FAILED, ApiStatus.RETIRED)


def _with_active_apis(keys: Sequence[UUID]) -> Iterable[UUID]:
    rows = Api.objects.filter(organization__in=keys).exclude(status__in=IDLE)
    return rows.values_list("organization_id", flat=True)


ACTIVE_APIS: Final = DeletionBlocker(
    code="active_apis",
    text=_("It has active APIs. Retire them first."),
    route="portal:provider_apis",
    affected=_with_active_apis,
)
