"""What this app does when the catalogue changes."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.events import receives
from apps.pricing.events import CatalogueModelChanged
from apps.pricing.models import CatalogueModelVersion
from apps.pricing.services import bring_followers_up_to_date


@receives(CatalogueModelChanged)
def give_followers_the_new_price(event: CatalogueModelChanged) -> None:
    """Plans that follow a model get its new price for new subscribers."""
    version = CatalogueModelVersion.objects.select_related("model").get(pk=event.version_id)
    bring_followers_up_to_date(version=version, actor=Actor.system("pricing catalogue"))
