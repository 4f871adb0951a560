"""Jobs that need what several apps know."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from apps.apis.selectors import renew_shelves
from apps.apis.services import rebuild_vocabulary
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule
from apps.portal.listing_facts import refresh_listing_facts


@job("portal.refresh_listing_facts")
def refresh_facts(_context: JobContext, api_ids: list[str] | None = None) -> dict[str, int]:
    """Compute what the catalogue sorts and filters by: use, subscribers, health, prices."""
    wanted = None if api_ids is None else [UUID(api_id) for api_id in api_ids]
    return {"listings": refresh_listing_facts(api_ids=wanted)}


@job("portal.rebuild_search_vocabulary")
def rebuild_search_vocabulary(_context: JobContext) -> dict[str, int]:
    """Count the words of listed APIs anew: what mistyped words are replaced by."""
    return {"words": rebuild_vocabulary()}


@job("portal.count_shelves")
def count_shelves(_context: JobContext) -> dict[str, bool]:
    """Count the catalogue anew if something happened to it, so that no visitor waits for it."""
    return {"renewed": renew_shelves()}


schedule("portal.refresh_listing_facts", every=timedelta(hours=1))
schedule("portal.rebuild_search_vocabulary", every=timedelta(hours=1))
schedule("portal.count_shelves", every=timedelta(minutes=1))
