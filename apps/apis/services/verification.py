"""Asking to be known: a provider tells who it is, and an approver decides."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.apis.constants import VERIFICATION_SUBJECT
from apps.apis.exceptions import AlreadyVerified
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import Submission, open_request
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput
from apps.core.http_client import validate_url


@dataclass(frozen=True, slots=True)
class ProviderDetails:
    """Who a provider says it is. `registration_number` may be empty: people need none."""

    legal_name: str
    website: str
    contact_name: str
    contact_email: str
    statement: str
    registration_number: str = ""


@transaction.atomic
def request_verification(
    *, organization: Organization, details: ProviderDetails, actor: Actor
) -> ApprovalRequest:
    """Ask the operator to verify the provider; after a refusal it may ask again.

    Verified providers go live without a review in the categories that allow it.

    Raises:
        AlreadyVerified: it is.
        AlreadyRequested: it asked, and nobody has decided yet.
        InvalidInput, UnsafeUrl: naming the field that is empty or malformed.

    Publishes: ApprovalRequested.
    """
    locked = Organization.objects.lock(organization.pk)
    if locked.is_verified_provider:
        raise AlreadyVerified
    cleaned = _cleaned(details)
    submission = Submission(
        subject_type=VERIFICATION_SUBJECT,
        subject_id=locked.pk,
        organization=locked,
        title=locked.name,
        details=asdict(cleaned),
    )
    return open_request(submission=submission, actor=actor)


def _cleaned(details: ProviderDetails) -> ProviderDetails:
    stripped = {name: value.strip() for name, value in asdict(details).items()}
    for name in ("legal_name", "website", "contact_name", "contact_email", "statement"):
        if not stripped[name]:
            raise InvalidInput(_("This is needed."), field=name)
    try:
        validate_email(stripped["contact_email"])
    except ValidationError as error:
        raise InvalidInput(error.messages[0], field="contact_email") from None
    validate_url(stripped["website"], field="website")
    return replace(details, **stripped)
