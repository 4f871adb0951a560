"""Pictures of listings, as small WebP files of our own making."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.apis.enums import CALLABLE_STATUSES, Visibility
from apps.apis.models import Api
from apps.apis.provider_selectors import get_readable_logo

YEAR_S = 31_536_000


@require_safe
def api_logo(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Answer the logo to whoever may read the API; its digest names it, so it may be kept for ever."""
    logo = get_readable_logo(request.actor, slug, digest)  # type: ignore[attr-defined]  # set by ActorMiddleware
    answer = HttpResponse(bytes(logo.image), content_type=logo.content_type)
    scope = "public" if _is_for_everybody(logo.api) else "private"
    answer["Cache-Control"] = f"{scope}, max-age={YEAR_S}, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _is_for_everybody(api: Api) -> bool:
    return api.status in CALLABLE_STATUSES and api.visibility != Visibility.PRIVATE
