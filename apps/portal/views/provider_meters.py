"""Meters of an API: what is counted beside calls, how that is going, and what a new one would give."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis.constants import MANAGE
from apps.apis.models import Api
from apps.apis.selectors import get_own_api
from apps.core.forms import refusals_on
from apps.portal.moves import ask, carry_out
from apps.portal.provider_tabs import tabs_of
from apps.usage import selectors, services
from apps.usage.meter_endpoints import endpoint_names
from apps.usage.meter_forms import MeterForm, dimension_text, filter_text
from apps.usage.meter_samples import MeterSample, sample_meter
from apps.usage.models import Meter

METERS_ROUTE: Final = "portal:provider_api_meters"


@console_page("apis.read")
@require_safe
def meters(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """List an API's meters, with what they have counted and what they could not."""
    api = get_own_api(request.actor, api_id)
    rows = list(selectors.meters_of(api))
    counted = selectors.counted_events_of(rows)
    context = {
        "api": api,
        "rows": [_shown(row, counted.get((row.api_id, row.key), 0)) for row in rows],
        "can_manage": request.actor.can(MANAGE),
        "tabs": tabs_of(api),
        "crumbs": _crumbs(api, ""),
    }
    return render(request, "portal/provider/meters.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def create(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Make a meter, or try out what it would give of the last calls."""
    api = get_own_api(request.actor, api_id)
    form = MeterForm(request.POST or None, endpoints=endpoint_names(api))
    sample = None
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            if "try" in request.POST:
                sample = _sample(api, form)
            else:
                services.create_meter(api=api, draft=form.to_draft(), actor=request.actor)
                messages.success(request, _("The meter counts from now on."))
                return redirect(METERS_ROUTE, api.public_id)
    return _form_page(request, api, form, sample, heading=_("New meter"))


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def edit(request: ConsoleRequest, api_id: str, meter_id: str) -> HttpResponse:
    """Change a meter; what it has counted by stays."""
    api = get_own_api(request.actor, api_id)
    meter = selectors.get_meter(request.actor, api, meter_id)
    is_fixed = selectors.is_in_use(meter)
    form = MeterForm(
        request.POST or None, endpoints=endpoint_names(api), meter=meter, is_fixed=is_fixed
    )
    sample = None
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            if "try" in request.POST:
                sample = _sample(api, form)
            else:
                services.update_meter(meter=meter, draft=form.to_draft(), actor=request.actor)
                messages.success(request, _("Saved."))
                return redirect(METERS_ROUTE, api.public_id)
    return _form_page(request, api, form, sample, heading=meter.name, is_fixed=is_fixed)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def archive(request: ConsoleRequest, api_id: str, meter_id: str) -> HttpResponse:
    """Ask, then stop a meter for good."""
    api = get_own_api(request.actor, api_id)
    meter = selectors.get_meter(request.actor, api, meter_id)
    page = reverse(METERS_ROUTE, args=[api.public_id])
    if request.method == "POST":
        return carry_out(
            request,
            lambda: services.archive_meter(meter=meter, actor=request.actor),
            done=_("The meter counts no more."),
            back_to=page,
        )
    return ask(
        request,
        question=_("Archive the meter “%(name)s”?") % {"name": meter.name},
        effects=[
            _("It counts nothing from now on, and its key cannot be used again."),
            _("What it has counted stays, and is billed with its period."),
        ],
        verb=_("Archive meter"),
        cancel_url=page,
    )


def _sample(api: Api, form: MeterForm) -> MeterSample:
    return sample_meter(api=api, draft=form.to_draft())


def _form_page(
    request: ConsoleRequest,
    api: Api,
    form: MeterForm,
    sample: MeterSample | None,
    *,
    heading: str,
    is_fixed: bool = False,
) -> HttpResponse:
    context = {
        "api": api,
        "form": form,
        "sample": sample,
        "heading": heading,
        "is_fixed": is_fixed,
        "back_url": reverse(METERS_ROUTE, args=[api.public_id]),
        "crumbs": _crumbs(api, heading),
    }
    status = 422 if form.errors else 200
    return render(request, "portal/provider/meter.html", context, status=status)


def _shown(meter: Meter, events: int) -> dict[str, Any]:
    return {
        "meter": meter,
        "events": events,
        "filters": [filter_text(item) for item in meter.filters],
        "dimensions": [dimension_text(item) for item in meter.group_by],
        "errors": list(meter.errors.all()),
    }


def _crumbs(api: Api, here: str) -> list[tuple[str, str]]:
    trail = [
        (_("APIs"), reverse("portal:provider_apis")),
        (api.name, reverse("portal:provider_api", args=[api.public_id])),
        (_("Meters"), reverse(METERS_ROUTE, args=[api.public_id]) if here else ""),
    ]
    return [*trail, (here, "")] if here else trail
