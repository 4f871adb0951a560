"""Which role holds which permission: the one table that every check reads."""

from __future__ import annotations

from typing import Final

from apps.accounts.enums import Role

READ: Final = frozenset(
    {
        "organization.read",
        "apis.read",
        "plans.read",
        "subscriptions.read",
        "keys.read",
        "usage.read",
    }
)
MONEY_READ: Final = frozenset({"billing.read", "earnings.read"})
BUILD: Final = frozenset({"apis.manage", "plans.manage", "keys.manage", "subscriptions.manage"})
MONEY: Final = frozenset({"billing.manage", "payouts.manage", "subscriptions.manage"})
PEOPLE: Final = frozenset(
    {"members.manage", "tokens.manage", "workspaces.manage", "webhooks.manage", "audit.read"}
)
OWN: Final = frozenset({"organization.manage"})

PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    Role.OWNER: READ | MONEY_READ | BUILD | MONEY | PEOPLE | OWN,
    Role.ADMIN: READ | MONEY_READ | BUILD | MONEY | PEOPLE,
    Role.DEVELOPER: READ | BUILD,
    Role.BILLING: READ | MONEY_READ | MONEY,
    Role.VIEWER: READ,
}
# What a service token may hold beside the member permissions.
TOKEN_ONLY: Final = frozenset({"usage.write"})
ALL_PERMISSIONS: Final = frozenset().union(*PERMISSIONS.values(), TOKEN_ONLY)
# Who may give them to a token of an organization: those who answer for its APIs, and so for what these count.
GRANTED_WITH: Final = "apis.manage"


def grantable_by(held: frozenset[str]) -> frozenset[str]:
    """Return what a member with these permissions may give to a service token of the organization."""
    return held | TOKEN_ONLY if GRANTED_WITH in held else held


def permissions_of(role: str) -> frozenset[str]:
    """Return what a role may do."""
    return PERMISSIONS[role]
