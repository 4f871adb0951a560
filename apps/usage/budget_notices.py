"""What members are told about budgets."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

_BUDGET_BODY = _("%(used)s of %(bound)s are used; the period ends on %(ends)s.")
_OPEN_BUDGET = _("Open the budget")
BUDGET_USED: Final = NotificationKind(
    name="usage.budget_used",
    title=_("%(name)s: %(percent)s percent of the budget are used"),
    body=_BUDGET_BODY,
    tone="warn",
    is_important=True,
    action_label=_OPEN_BUDGET,
)
BUDGET_REACHED: Final = NotificationKind(
    name="usage.budget_reached",
    title=_("%(name)s: the budget is used to %(percent)s percent"),
    body=_(
        "%(used)s of %(bound)s are used; the period ends on %(ends)s. Calls go on: a budget stops nothing, a spend cap does."
    ),
    tone="bad",
    is_important=True,
    action_label=_OPEN_BUDGET,
)
BUDGET_EXPECTED: Final = NotificationKind(
    name="usage.budget_expected",
    title=_("%(name)s: %(percent)s percent of the budget are expected to be used"),
    body=_(
        "At the pace of the last week it comes to %(expected)s of %(bound)s by %(ends)s; %(used)s are used so far."
    ),
    tone="warn",
    is_important=True,
    action_label=_OPEN_BUDGET,
)
BUDGETS: Final = (BUDGET_USED, BUDGET_REACHED, BUDGET_EXPECTED)
