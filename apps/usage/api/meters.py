"""Meters of a provider's API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis.models import Api
from apps.apis.selectors import get_own_api
from apps.core.api.pagination import WholeList
from apps.core.api.views import ApiView
from apps.usage import selectors, services
from apps.usage.api.meter_serializers import (
    MeterChangesInput,
    MeterInput,
    MeterOutput,
    MeterSampleOutput,
)
from apps.usage.meter_drafts import MeterDraft, draft_of
from apps.usage.meter_samples import sample_meter
from apps.usage.models import Meter

READ = "apis.read"
MANAGE = "apis.manage"


class MeterViewBase(ApiView):
    """Base of the views of an API's meters."""

    def load_api(self, api_id: str) -> Api:
        """Return the API if the caller's organization provides it, else answer 404."""
        return get_own_api(self.actor, api_id)

    def load(self, api_id: str, meter_id: str) -> Meter:
        """Return a meter of that API, else answer 404."""
        return selectors.get_meter(self.actor, self.load_api(api_id), meter_id)


class MetersView(MeterViewBase):
    """What is counted of an API beside its calls."""

    paginator_class = WholeList
    method_permissions: ClassVar = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=MeterOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them, archived ones last."""
        return self.paginated(selectors.meters_of(self.load_api(api_id)), MeterOutput)

    @extend_schema(request=MeterInput, responses={201: MeterOutput})
    def post(self, request: Request, api_id: str) -> Response:
        """Begin to count something, from now on."""
        api, draft = self.load_api(api_id), MeterDraft(**self.validated(MeterInput))

        def create() -> dict[str, Any]:
            meter = services.create_meter(api=api, draft=draft, actor=self.actor)
            return dict(MeterOutput(meter).data)

        return self.created(request, create)


class MeterView(MeterViewBase):
    """One meter."""

    method_permissions: ClassVar = {"GET": READ, "PATCH": MANAGE}

    @extend_schema(responses=MeterOutput)
    def get(self, _request: Request, api_id: str, meter_id: str) -> Response:
        """Show it, with the events that gave it no value."""
        return Response(MeterOutput(self.load(api_id, meter_id)).data)

    @extend_schema(request=MeterChangesInput, responses=MeterOutput)
    def patch(self, _request: Request, api_id: str, meter_id: str) -> Response:
        """Change some fields; 409 when that would change what was counted or is sold already."""
        meter = self.load(api_id, meter_id)
        draft = replace(draft_of(meter), **self.validated(MeterChangesInput))
        meter = services.update_meter(meter=meter, draft=draft, actor=self.actor)
        return Response(MeterOutput(meter).data)


class ArchiveMeterView(MeterViewBase):
    """Stops a meter."""

    method_permissions: ClassVar = {"POST": MANAGE}

    @extend_schema(request=None, responses=MeterOutput)
    def post(self, _request: Request, api_id: str, meter_id: str) -> Response:
        """Stop counting; what was counted is still billed. 409 while a plan on offer charges for it."""
        meter = services.archive_meter(meter=self.load(api_id, meter_id), actor=self.actor)
        return Response(MeterOutput(meter).data)


class MeterSampleView(MeterViewBase):
    """Tries a meter out."""

    method_permissions: ClassVar = {"POST": READ}

    @extend_schema(request=MeterInput, responses=MeterSampleOutput)
    def post(self, _request: Request, api_id: str) -> Response:
        """Tell what a meter would make of the API's last 100 events. Nothing is saved."""
        api, draft = self.load_api(api_id), MeterDraft(**self.validated(MeterInput))
        return Response(MeterSampleOutput(sample_meter(api=api, draft=draft)).data)
