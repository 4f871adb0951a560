"""The back office's tables in groups that people look for; what is technical stands in the last one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class TableGroup:
    """A group of the start page, with the tables that belong to it in their order."""

    name: str
    title: str | Promise
    description: str | Promise
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group as this person sees it: entries as Django's admin lists them."""

    group: TableGroup
    models: list[dict[str, Any]]


GROUPS: Final = (
    TableGroup(
        "approvals",
        _("Approvals"),
        _("Requests that wait for a decision, and how soon they must get one."),
        ("approvals.ApprovalRequest", "approvals.SlaPolicy", "approvals.BusinessCalendar"),
    ),
    TableGroup(
        "marketplace",
        _("Marketplace"),
        _("What providers offer, at which price, and who subscribed."),
        (
            "apis.Api",
            "apis.ApiUpdate",
            "apis.ApiVersion",
            "apis.ApiAccess",
            "apis.Category",
            "pricing.Plan",
            "pricing.PlanInvitation",
            "pricing.PriceVersion",
            "pricing.Promotion",
            "pricing.CatalogueModel",
            "pricing.CatalogueRevision",
            "pricing.CatalogueLoad",
            "subscriptions.Subscription",
            "subscriptions.PlanMove",
            "subscriptions.MoveStep",
            "subscriptions.PlannedChange",
            "subscriptions.CancellationRequest",
            "subscriptions.Rating",
            "usage.UsageHour",
        ),
    ),
    TableGroup(
        "gateway",
        _("Gateway"),
        _("Keys, the nodes that let calls through, and whether they serve what is stored here."),
        (
            "keys.ApiKey",
            "gateway.AuthorizerNode",
            "gateway.ReconciliationReport",
            "gateway.RegistryEntry",
            "usage.ShipperState",
            "usage.LateEvent",
            "usage.RejectedEvent",
            "usage.UsageRewind",
            "usage.WindowDifference",
            "usage.UsageArchive",
            "usage.UsageExport",
        ),
    ),
    TableGroup(
        "money",
        _("Money"),
        _("Invoices, what was paid for them, and what providers earn."),
        (
            "billing.Invoice",
            "billing.Payment",
            "billing.Refund",
            "billing.CreditNote",
            "billing.BillingPeriod",
            "billing.CarriedCredit",
            "billing.Earning",
            "billing.BillingAccount",
            "billing.PaymentMethod",
        ),
    ),
    TableGroup(
        "people",
        _("People"),
        _("Who has an account, where they work, and what acts for them."),
        (
            "accounts.User",
            "accounts.Organization",
            "accounts.Workspace",
            "accounts.Invitation",
            "accounts.ServiceToken",
            "accounts.ClockJump",
            "notifications.WebhookEndpoint",
        ),
    ),
)


def groups_of(app_list: Iterable[Mapping[str, Any]]) -> list[ShownGroup]:
    """Sort the tables that a person may see into groups; groups without one are left out."""
    by_name = _by_name(app_list)
    shown = [
        ShownGroup(group, [by_name[name] for name in group.tables if name in by_name])
        for group in GROUPS
    ]
    return [item for item in shown if item.models]


def system_apps(app_list: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the apps with those of their tables that stand in no group."""
    grouped = {name for group in GROUPS for name in group.tables}
    apps = []
    for app in app_list:
        models = [row for row in app["models"] if _name_of(app, row) not in grouped]
        if models:
            apps.append({**app, "models": models})
    return apps


def _by_name(app_list: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {_name_of(app, row): row for app in app_list for row in app["models"]}


def _name_of(app: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    return f"{app['app_label']}.{row['object_name']}"
