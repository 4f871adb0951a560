"""Pages without a business noun: metrics, what a problem code means, errors of the API."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.http import require_safe

from apps.core.exceptions import problem_kinds
from apps.core.metrics import CONTENT_TYPE_LATEST, render_metrics
from apps.core.plain_problems import plain_problem

API_PREFIX = "/api/"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus; open to this machine itself and to holders of METRICS_TOKEN, a 404 to others."""
    if not _may_scrape(request):
        raise Http404
    return HttpResponse(render_metrics(), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and constant_time_compare(token, settings.METRICS_TOKEN):
        return True
    # What came through a proxy on this machine carries its header and is not local.
    is_direct = not {"X-Forwarded-For", "Forwarded"} & set(request.headers)
    return is_direct and ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Explain the problem whose `type` led here."""
    kind = problem_kinds().get(code)
    if kind is None:
        raise Http404
    return render(request, "core/problem.html", {"kind": kind, "code": code})


@require_safe
def problem_index(request: HttpRequest) -> HttpResponse:
    """List every problem that the REST API answers."""
    kinds = sorted(problem_kinds().items())
    return render(request, "core/problems.html", {"kinds": kinds})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that does not exist: a problem below `/api/`, a page elsewhere."""
    if request.path.startswith(API_PREFIX):
        return plain_problem(404, "not_found", _("Not found"))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a failure of ours: a problem below `/api/`, a page elsewhere."""
    if request.path.startswith(API_PREFIX):
        return plain_problem(500, "server_error", _("Something failed on our side"))
    return defaults.server_error(request)
