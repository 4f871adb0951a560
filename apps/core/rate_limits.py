"""How often somebody may do what is costly to others; the portal and the REST API share one count.

Counted by django-ratelimit in the cache, in windows of the limit's period.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_ratelimit.core import get_usage

from apps.core.actors import Actor
from apps.core.exceptions import TooManyRequests


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many turns of a kind in a period, each organization by itself: `RateLimit("apis.import", "20/m")`."""

    group: str
    rate: str


def take_turn(limit: RateLimit, *, request: HttpRequest, actor: Actor) -> None:
    """Count one turn of the actor's organization, or of the person where there is none.

    Raises:
        TooManyRequests: the period's turns are used up; `retry_after_s` says when the next period begins.
    """
    who = str(actor.organization_id or actor.user_id or "anonymous")
    usage = get_usage(
        request,
        group=limit.group,
        key=lambda _group, _request: who,
        rate=limit.rate,
        increment=True,
    )
    if usage is None or not usage["should_limit"]:
        return
    wait_s = max(1, usage["time_left"])
    raise TooManyRequests(
        _("Too many in a short time. Try again in %(seconds)s seconds.") % {"seconds": wait_s},
        retry_after_s=wait_s,
    )
