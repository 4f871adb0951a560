"""“What would it cost?” on the pages of a plan: what is asked, the bill, and how it grows with each usage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from apps.accounts.decorators import ConsoleRequest
from apps.core.plots import Plot
from apps.portal.views.price_plots import plot_prices
from apps.pricing.calculator import PriceTable
from apps.pricing.drafts import PriceDraft, table_of
from apps.pricing.enums import PriceModel
from apps.pricing.estimate_forms import EstimateForm
from apps.pricing.meter_sources import meters_of_api
from apps.pricing.models import CALLS_METER, Plan, PriceVersion, Promotion
from apps.pricing.promotion_reductions import reduction_of
from apps.pricing.promotion_selectors import list_promotions_of_plan
from apps.pricing.quantities import table_for_quantity
from apps.pricing.quotes import Quote, Terms, quote
from apps.pricing.selectors import draft_of

FRAGMENT = "bill"


class PlanEstimate:
    """What a price would cost for a usage that is typed. Nothing is saved."""

    def __init__(
        self,
        request: ConsoleRequest,
        plan: Plan,
        versions: Sequence[PriceVersion],
        *,
        promotions: Sequence[Promotion] = (),
    ) -> None:
        """Read what was typed into the address.

        Args:
            versions: of one number, a row per currency, the one to begin with first.
            promotions: of which one may be tried.
        """
        drafts = {version.currency: draft_of(version) for version in versions}
        self.form = EstimateForm(
            request.GET.dict(),
            drafts=drafts,
            facts=meters_of_api(plan.api_id) if _charges_more(drafts.values()) else {},
            max_quantity=plan.max_quantity,
            promotions=promotions,
        )

    @classmethod
    def of_own_plan(
        cls, request: ConsoleRequest, plan: Plan, version: PriceVersion
    ) -> PlanEstimate:
        """Ask for a version of the provider's own plan, with the promotions that it has for it."""
        rows = plan.versions.filter(number=version.number).order_by("position")
        return cls(
            request,
            plan,
            list(rows.prefetch_related("components__tiers")),
            promotions=list_promotions_of_plan(plan),
        )

    @cached_property
    def quote(self) -> Quote | None:
        """The bill; None where something that was typed is wrong."""
        if not self.form.is_valid():
            return None
        return quote(self._table, self.form.usage, terms=self._terms).named(self.form.names)

    @property
    def plots(self) -> list[Plot]:
        """How the total grows with each usage, before promotions."""
        if not self.form.is_valid():
            return []
        return plot_prices(self._table, self.form.usage, self.form.names)

    @cached_property
    def _table(self) -> PriceTable:
        return table_for_quantity(table_of(self.form.draft), self.form.quantity_wanted)

    @property
    def _terms(self) -> Terms:
        chosen = self.form.promotion
        if chosen is None:
            return Terms()
        return Terms(reductions=(reduction_of(chosen, self.form.draft.currency),))


def _charges_more(drafts: Iterable[PriceDraft]) -> bool:
    """Whether something beside calls is charged for by usage."""
    return any(
        component.meter != CALLS_METER and component.model != PriceModel.FLAT
        for draft in drafts
        for component in draft.components
    )
