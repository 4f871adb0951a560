"""The gateway over REST, for operators."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import jobs
from apps.core.api.views import ApiView
from apps.gateway import selectors, services
from apps.gateway.api import serializers as shapes

OPERATOR = "staff:operator"


class OverviewView(ApiView):
    """Whether the gateway is well, and everything that says so."""

    method_permissions = {"GET": OPERATOR}

    @extend_schema(responses=shapes.OverviewOutput)
    def get(self, _request: Request) -> Response:
        """Show health, versions, authorizers, entries by state, the proxy and the last reconciliation."""
        return Response(shapes.OverviewOutput(selectors.gateway_overview()).data)


class EntriesView(ApiView):
    """What does not arrive."""

    method_permissions = {"GET": OPERATOR}

    @extend_schema(responses=shapes.EntryOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the entries that failed or are being tried again."""
        return self.paginated(selectors.list_troubled_entries(), shapes.EntryOutput)


class RetryEntryView(ApiView):
    """Tries an entry again."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=None, responses={202: shapes.EntryOutput})
    def post(self, _request: Request, entry_id: str) -> Response:
        """Write the entry again at once; 409 when every authorizer has it already."""
        entry = services.retry_entry(entry=selectors.get_entry(entry_id), actor=self.actor)
        return Response(shapes.EntryOutput(entry).data, status=status.HTTP_202_ACCEPTED)


class NodesView(ApiView):
    """The authorizers and how far each has come."""

    method_permissions = {"GET": OPERATOR}

    @extend_schema(responses=shapes.NodesOutput)
    def get(self, _request: Request) -> Response:
        """Show the registry's version and every authorizer's."""
        body = {"registry": selectors.gateway_standing(), "nodes": selectors.list_nodes()}
        return Response(shapes.NodesOutput(body).data)


class ReconcileView(ApiView):
    """Compares the registry with what it should hold."""

    method_permissions = {"POST": OPERATOR}

    @extend_schema(request=None, responses={202: shapes.JobStartedOutput})
    def post(self, _request: Request) -> Response:
        """Start a reconciliation; its report appears among the reports."""
        run = jobs.enqueue("gateway.reconcile", actor=self.actor)
        body = {"job": run.public_id, "status": run.status}
        return Response(body, status=status.HTTP_202_ACCEPTED)


class ReportsView(ApiView):
    """What reconciliations found."""

    method_permissions = {"GET": OPERATOR}

    @extend_schema(responses=shapes.ReconciliationOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the reports, newest first."""
        return self.paginated(selectors.list_reports(), shapes.ReconciliationOutput)


class ReportView(ApiView):
    """One reconciliation."""

    method_permissions = {"GET": OPERATOR}

    @extend_schema(responses=shapes.ReconciliationOutput)
    def get(self, _request: Request, report_id: str) -> Response:
        """Show what it found, entry by entry and authorizer by authorizer."""
        return Response(shapes.ReconciliationOutput(selectors.get_report(report_id)).data)
