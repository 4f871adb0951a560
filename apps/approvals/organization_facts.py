"""What an approver should know about who asks: each app adds what it knows.

@organization_facts
def published_apis(organization: Organization) -> Iterable[OrganizationFact]: …
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.core.formatting import format_day, format_number


@dataclass(frozen=True, slots=True)
class OrganizationFact:
    """A line of the review page; `url` leads to what the value is made of."""

    label: str | Promise
    value: str | Promise
    url: str = ""


Teller = Callable[[Organization], Iterable[OrganizationFact]]
_tellers: dict[str, Teller] = {}


def organization_facts(teller: Teller) -> Teller:
    """Register who tells facts; each runs a query or two."""
    _tellers[f"{teller.__module__}.{teller.__qualname__}"] = teller
    return teller


def facts_of(organization: Organization) -> list[OrganizationFact]:
    """Return what all apps tell about an organization."""
    return [fact for teller in _tellers.values() for fact in teller(organization)]


@organization_facts
def account_facts(organization: Organization) -> Iterable[OrganizationFact]:
    """Tell since when it is here, who works there, and whether the operator knows it."""
    verified = _("verified") if organization.is_verified_provider else _("not verified")
    yield OrganizationFact(_("Provider"), verified)
    yield OrganizationFact(_("Member since"), format_day(organization.created_at))
    members = organization.memberships.count()
    yield OrganizationFact(_("Members"), format_number(members))
    if organization.country:
        yield OrganizationFact(_("Country"), organization.country)
