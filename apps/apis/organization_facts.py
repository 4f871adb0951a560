"""What approvers are told about an organization's APIs."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.enums import CALLABLE_STATUSES
from apps.apis.models import Api
from apps.approvals.organization_facts import OrganizationFact, organization_facts


@organization_facts
def api_facts(organization: Organization) -> Iterable[OrganizationFact]:
    """Tell how many APIs it has, and how many of them are live."""
    counted = Api.objects.filter(organization=organization).aggregate(
        all=Count("pk"), live=Count("pk", filter=Q(status__in=CALLABLE_STATUSES))
    )
    text = _("%(all)s, of which %(live)s live") % counted
    query = urlencode({"organization__id__exact": str(organization.pk)})
    yield OrganizationFact(_("APIs"), text, f"{reverse('admin:apis_api_changelist')}?{query}")
