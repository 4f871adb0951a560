"""How many APIs an organization has published, as its plan of the platform counts them."""

from __future__ import annotations

from uuid import UUID

from apps.apis.enums import PUBLISHED_STATUSES
from apps.apis.models import Api


def count_published(organization_id: UUID) -> int:
    """Count the APIs that were submitted and neither rejected nor retired since."""
    rows = Api.objects.filter(organization_id=organization_id, status__in=PUBLISHED_STATUSES)
    return rows.count()
