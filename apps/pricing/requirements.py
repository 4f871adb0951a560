"""What this app demands of an API before it can be submitted."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.apis.models import Api
from apps.apis.requirements import Requirement, register_requirement
from apps.pricing.selectors import has_published_plan


def plans_path(api: Api) -> str:
    """Return the page where the provider makes plans for an API."""
    return f"{reverse('portal:provider_plans')}?api={api.public_id}"


register_requirement(
    Requirement(
        code="published_plan",
        label=_("A published plan"),
        help=_("Subscribers choose a plan; publish at least one."),
        is_met=has_published_plan,
        path=plans_path,
    )
)
