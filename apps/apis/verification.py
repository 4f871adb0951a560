"""How the approval engine handles a provider that wants to be verified, and where such a request stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from apps.accounts.models import Organization
from apps.accounts.services import verify_provider
from apps.apis.constants import VERIFICATION_SUBJECT
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import find_last_request
from apps.core.actors import Actor

Stage = Literal["none", "waiting", "asked", "verified", "rejected", "withdrawn"]
FIELDS: tuple[tuple[str, str | Promise], ...] = (
    ("legal_name", gettext_lazy("Legal name")),
    ("website", gettext_lazy("Website")),
    ("registration_number", gettext_lazy("Registration number")),
    ("contact_name", gettext_lazy("Contact")),
    ("contact_email", gettext_lazy("Contact’s e-mail address")),
    ("statement", gettext_lazy("Planned offer")),
)


class ProviderVerificationHandler:
    """Approved: the provider is verified. Else nothing changes, and it may ask again."""

    subject_type = VERIFICATION_SUBJECT
    label: str | Promise = gettext_lazy("Provider verification")
    permission = "organization.manage"
    review_template = "apis/_review_verification.html"

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Trust the provider."""
        verify_provider(
            organization=_organization(request), actor=actor, reason=request.decision_comment
        )

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """Leave it as it is; the request keeps the reason."""

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Leave it as it is."""

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Nothing beyond the engine's own rules."""
        return True

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return what the provider says about itself."""
        return {"provider_details": described(request)}

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the details as they were sent."""
        organization = _organization(request)
        return {
            "id": organization.public_id,
            "name": organization.name,
            "is_verified_provider": organization.is_verified_provider,
            **{name: request.details.get(name, "") for name, _label in FIELDS},
        }

    def subject_path(self, request: ApprovalRequest) -> str:  # noqa: ARG002 -- as above
        """Return the organization's page about it."""
        return reverse("portal:provider_verification")


def described(request: ApprovalRequest) -> list[tuple[str | Promise, str]]:
    """Return what was sent, labelled."""
    return [(label, str(request.details.get(name, ""))) for name, label in FIELDS]


def _organization(request: ApprovalRequest) -> Organization:
    """Return who asks: never a person for themselves."""
    if request.organization is None:
        raise TypeError("only organizations are verified")
    return request.organization


@dataclass(frozen=True, slots=True)
class VerificationState:
    """Where an organization stands, with its newest request."""

    stage: Stage
    request: ApprovalRequest | None

    @property
    def may_ask(self) -> bool:
        """Whether a request can be made now."""
        return self.stage in {"none", "rejected", "withdrawn"}


def verification_of(organization: Organization) -> VerificationState:
    """Return where an organization stands: never asked, waiting, asked something, verified, rejected, withdrawn."""
    request = find_last_request(VERIFICATION_SUBJECT, organization.pk)
    return VerificationState(_stage(organization, request), request)


def _stage(organization: Organization, request: ApprovalRequest | None) -> Stage:
    if organization.is_verified_provider:
        return "verified"
    match request.status if request else "":
        case "info_requested":
            return "asked"
        case "pending" | "escalated":
            return "waiting"
        case "rejected":
            return "rejected"
        case "approved":
            return "withdrawn"
        case _:
            return "none"
