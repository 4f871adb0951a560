"""A subscription's promotions on its page: redeeming a code, and taking one off again."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import DomainError
from apps.core.money import Money
from apps.core.rate_limits import take_turn
from apps.portal.moves import carry_out
from apps.pricing.code_tries import CODE_TRIES
from apps.pricing.models import Plan, PriceVersion, Promotion
from apps.pricing.promotion_words import how_long, what_it_does
from apps.pricing.quotes import Quote, quote_first_bill
from apps.subscriptions import selectors, services
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.forms import CodeForm
from apps.subscriptions.models import PromotionRedemption, Subscription
from apps.subscriptions.promotions import list_redemptions

MANAGE: Final = "subscriptions.manage"
CODE_LENGTH: Final = 40
PAGE_ROUTE: Final = "portal:subscription"


def promotions_context(request: ConsoleRequest, subscription: Subscription) -> dict[str, Any]:
    """Return what the page of a subscription shows of its promotions. One query."""
    is_open = subscription.status not in ENDED_STATUSES
    return {
        "promotions": [
            (row, what_it_does(row.promotion), how_long(row.promotion))
            for row in list_redemptions(subscription)
        ],
        "can_redeem": is_open and request.actor.can(MANAGE),
        "code_form": CodeForm(),
    }


class FirstBill:
    """What the page for subscribing says of promotions: the code that is tried, and the fees of the first period.

    The first bill assumes no usage: that is what is certain. Promotions that apply by themselves are counted.
    """

    def __init__(self, plan: Plan, code: str, *, is_try: bool, request: ConsoleRequest) -> None:
        """Keep what was asked."""
        self.form = CodeForm({"code": code} if code else None)
        self.was_only_tried = is_try
        self._plan, self._code, self._request = plan, code, request
        self.refusal = ""
        self.version: PriceVersion | None = None

    @classmethod
    def asked_by(cls, request: ConsoleRequest, plan: Plan) -> FirstBill:
        """Read the code that was entered."""
        code = request.POST.get("code", "").strip()[:CODE_LENGTH]
        return cls(plan, code, is_try="try" in request.POST, request=request)

    def code_to_redeem(self) -> str:
        """Return the code, and count the try."""
        if self._code:
            take_turn(CODE_TRIES, request=self._request, actor=self._request.actor)
        return self._code

    def refuse(self, reason: str) -> None:
        """Show why the code does not hold."""
        self.refusal = reason
        self.form.add_error("code", reason)

    @cached_property
    def quote(self) -> Quote | None:
        """The first period's fees; with the code, if it holds."""
        if self.version is None:
            return None
        actor = self._request.actor
        if self._code and not self.refusal:
            try:
                if self.was_only_tried:
                    take_turn(CODE_TRIES, request=self._request, actor=actor)
                return quote_first_bill(self.version, actor=actor, promotion_code=self._code)
            except DomainError as refusal:
                self.refuse(str(refusal.detail))
        return quote_first_bill(self.version, actor=actor)

    @cached_property
    def promotions(self) -> list[tuple[str, Money]]:
        """What promotions take off it, by name."""
        if self.quote is None:
            return []
        if not self.quote.promotions:
            return []
        ids = {item.reduction.key: item.amount for item in self.quote.promotions}
        rows = Promotion.objects.reaching(self._plan.organization_id)
        names = {row.public_id: row.name for row in rows}
        return [(names[key], -amount) for key, amount in ids.items()]


@console_page(MANAGE)
@require_POST
def redeem(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Redeem a code, or say why not."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    code = request.POST.get("code", "")[:CODE_LENGTH]

    def move() -> None:
        take_turn(CODE_TRIES, request=request, actor=request.actor)
        services.redeem_promotion(subscription=subscription, code=code, actor=request.actor)

    return carry_out(
        request,
        move,
        done=_("The promotion lowers your next bill."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]) + "#promotions",
    )


@console_page(MANAGE)
@require_POST
def remove(request: ConsoleRequest, subscription_id: str, redemption_id: str) -> HttpResponse:
    """Take a promotion off that has lowered no bill."""
    subscription = selectors.get_subscription(request.actor, subscription_id)
    rows = PromotionRedemption.objects.filter(subscription=subscription)
    redemption = rows.get_visible(request.actor, redemption_id)
    return carry_out(
        request,
        lambda: services.withdraw_redemption(redemption=redemption, actor=request.actor),
        done=_("The promotion was taken off."),
        back_to=reverse(PAGE_ROUTE, args=[subscription.public_id]) + "#promotions",
    )
