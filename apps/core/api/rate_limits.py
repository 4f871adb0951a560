"""The refusal of a call of the platform's own API, for its number.

Source: docs/operations/rate-limits.md.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.exceptions import TooManyRequests
from apps.core.limiter.turns import take_turn
from apps.core.limiter.windows import Verdict


class ApiRateLimitExceeded(TooManyRequests):
    """The caller's calls of this minute or moment are used up; `policy` names the window, `Retry-After` when one fits."""

    code = "rate_limit_exceeded"


def require_turn(request: HttpRequest, actor: Actor) -> None:
    """Take one turn of the caller.

    Raises:
        ApiRateLimitExceeded: there is none left now.
    """
    verdict = take_turn(request, actor)
    if verdict is not None and not verdict.is_allowed:
        raise ApiRateLimitExceeded(
            refusal_text(verdict),
            retry_after_s=verdict.reset_s,
            policy=verdict.tightest.name,
        )


def refusal_text(verdict: Verdict) -> str:
    """Say when it is worth trying again."""
    return _("Too many in a short time. Try again in %(seconds)s seconds.") % {
        "seconds": verdict.reset_s
    }
