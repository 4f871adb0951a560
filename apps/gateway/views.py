"""The change feed for authorizers that cannot reach Valkey."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.gateway.feed import encode_feed, feed_after

BEARER = "Bearer "


@require_GET
@never_cache
def changes(request: HttpRequest) -> HttpResponse:
    """Answer `{epoch, version, changes}` after the version that an authorizer holds.

    For authorizers only: the bearer is AUTHORIZER_SECRET; everybody else gets a bare 403.
    """
    if not _is_authorizer(request):
        return HttpResponse(status=403)
    try:
        after = int(request.GET.get("after", ""))
    except ValueError:
        return HttpResponse(status=400)
    body = encode_feed(feed_after(epoch=request.GET.get("epoch", ""), version=after))
    return HttpResponse(body, content_type="application/json")


def _is_authorizer(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    secret = settings.AUTHORIZER_SECRET
    return bool(secret) and hmac.compare_digest(given.encode(), f"{BEARER}{secret}".encode())
