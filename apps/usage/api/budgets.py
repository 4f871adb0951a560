"""Budgets over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import get_current_organization
from apps.apis.models import Api
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound, RuleViolated
from apps.usage.api.budget_serializers import BudgetAlertOutput, BudgetInput, BudgetOutput
from apps.usage.budget_series import subscribed_apis
from apps.usage.models import Budget
from apps.usage.selectors import get_consumer_subscription
from apps.usage.selectors.budgets import alerts_of, get_budget, list_budgets
from apps.usage.services.budgeting import (
    BudgetDraft,
    archive_budget,
    change_budget,
    create_budget,
)

READ = "billing.read"
MANAGE = "billing.manage"


class _BudgetView(ApiView):
    """Base: reads drafts from requests."""

    def draft(self) -> BudgetDraft:
        """Return what the body asks for; 422 at the field whose id is unknown."""
        values = self.validated(BudgetInput)
        subscription_id, api_id = values.pop("subscription_id"), values.pop("api_id")
        if subscription_id:
            try:
                found = get_consumer_subscription(self.actor, subscription_id)
            except NotFound as error:
                raise RuleViolated(error.detail, field="subscription_id") from None
            values["subscription"] = found
        if api_id:
            values["api"] = self._api(api_id)
        return BudgetDraft(**values)

    def _api(self, api_id: str) -> Api:
        for api in subscribed_apis(self.actor):
            if api.public_id == api_id:
                return api
        raise RuleViolated(NotFound.title, field="api_id")

    def answer(self, budget: Budget, code: int = status.HTTP_200_OK) -> Response:
        """Answer a budget with where it stands."""
        return Response(self.body(budget), status=code)

    def body(self, budget: Budget) -> Any:
        """Return a budget as JSON."""
        return BudgetOutput(get_budget(self.actor, budget.public_id)).data


class BudgetsView(_BudgetView):
    """What the organization means to stay within."""

    method_permissions: ClassVar = {"GET": READ, "POST": MANAGE}

    @extend_schema(responses=BudgetOutput(many=True))
    def get(self, _request: Request) -> Response:
        """List the budgets in use with where they stand, newest first."""
        return self.paginated(list_budgets(self.actor), BudgetOutput)

    @extend_schema(request=BudgetInput, responses={201: BudgetOutput})
    def post(self, request: Request) -> Response:
        """Make one. It tells when its thresholds are reached, and stops nothing: for that there is the spend cap."""
        draft = self.draft()
        organization = get_current_organization(self.actor)
        return self.created(
            request,
            lambda: self.body(
                create_budget(organization=organization, draft=draft, actor=self.actor)
            ),
        )


class BudgetView(_BudgetView):
    """One budget."""

    method_permissions: ClassVar = {"GET": READ, "PUT": MANAGE, "DELETE": MANAGE}

    @extend_schema(responses=BudgetOutput)
    def get(self, _request: Request, budget_id: str) -> Response:
        """Show it and where it stands."""
        return self.answer(get_budget(self.actor, budget_id))

    @extend_schema(request=BudgetInput, responses=BudgetOutput)
    def put(self, _request: Request, budget_id: str) -> Response:
        """Change it; what is left out gets its default. With another amount its thresholds are told anew."""
        budget = get_budget(self.actor, budget_id)
        return self.answer(change_budget(budget=budget, draft=self.draft(), actor=self.actor))

    @extend_schema(responses=BudgetOutput)
    def delete(self, _request: Request, budget_id: str) -> Response:
        """Archive it; what it told stays readable. 409 `budget_is_archived` the second time."""
        budget = get_budget(self.actor, budget_id)
        return self.answer(archive_budget(budget=budget, actor=self.actor))


class BudgetAlertsView(ApiView):
    """What was told about a budget."""

    method_permissions: ClassVar = {"GET": READ}

    @extend_schema(responses=BudgetAlertOutput(many=True))
    def get(self, _request: Request, budget_id: str) -> Response:
        """List it, newest first."""
        budget = get_budget(self.actor, budget_id)
        return self.paginated(alerts_of(budget).select_related("budget"), BudgetAlertOutput)
