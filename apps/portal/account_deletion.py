"""Asking to have one's account deleted: the request, and how the approval engine handles it.

Only the approval is here. Approved, the account is closed at once; personal data are purged elsewhere and later.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from apps.accounts.deletion_blockers import obstacles_of, organizations_left_by
from apps.accounts.models import Membership, ServiceToken, User
from apps.accounts.services import close_account, require_closable
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import find_last_request, find_open_request
from apps.approvals.services import Submission, open_request
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, InvalidInput, NotFound

DELETION_SUBJECT: Final = "accounts.deletion"
PAGE_ROUTE: Final = "portal:account_deletion"


@transaction.atomic
def request_deletion(*, user: User, reason: str, actor: Actor) -> ApprovalRequest:
    """Ask for the deletion of one's own account, with a reason that approvers read.

    Raises:
        Forbidden: somebody else's account.
        InvalidInput: no reason was given.
        DeletionBlocked: the person is the last owner of an organization that is in use.
        AlreadyRequested: it was asked for already.

    Publishes: ApprovalRequested.
    """
    if actor.user_id != user.pk:
        raise Forbidden
    text = reason.strip()
    if not text:
        raise InvalidInput(gettext("Say why you want to leave."), field="reason")
    require_closable(user)
    return open_request(
        submission=Submission(
            subject_type=DELETION_SUBJECT,
            subject_id=user.pk,
            organization=None,
            title=gettext("Account of %(name)s") % {"name": user.get_full_name()},
            details={"reason": text},
        ),
        actor=actor,
    )


def find_deletion_request(user: User) -> ApprovalRequest | None:
    """Return the newest request of a person, decided or not."""
    return find_last_request(DELETION_SUBJECT, user.pk)


def get_open_deletion_request(user: User) -> ApprovalRequest:
    """Return what is being decided about a person's account.

    Raises:
        NotFound: nothing is.
    """
    found = find_open_request(DELETION_SUBJECT, user.pk)
    if found is None:
        raise NotFound(gettext("You have not asked for the deletion of your account."))
    return found


class AccountDeletionHandler:
    """Approved: the account is closed at once. Else nothing changes, and the person may ask again."""

    subject_type = DELETION_SUBJECT
    label: str | Promise = gettext_lazy("Account deletion")
    # Never asked: the request is a person's own.
    permission = ""
    review_template = "portal/_review_deletion.html"

    def on_approved(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Close the account."""
        close_account(user=_person(request), actor=actor, reason=request.decision_comment)

    def on_rejected(self, request: ApprovalRequest, *, actor: Actor, comment: str) -> None:
        """Leave the account as it is; the request keeps the reason."""

    def on_cancelled(self, request: ApprovalRequest, *, actor: Actor) -> None:
        """Leave the account as it is."""

    def may_decide(self, request: ApprovalRequest, actor: Actor) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Nothing beyond the engine's own rules."""
        return True

    def review_context(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return who wants to leave, why, and what they would leave behind."""
        person = _person(request)
        memberships = Membership.objects.filter(user=person).select_related("organization")
        return {
            "person": person,
            "reason": request.details.get("reason", ""),
            "memberships": list(memberships.order_by("organization__name")),
            "closed": organizations_left_by(person) if person.is_active else [],
            "obstacles": obstacles_of(person) if person.is_active else [],
            "tokens": ServiceToken.objects.filter(created_by=person, revoked_at=None).count(),
        }

    def subject_summary(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the person in short, and why they want to leave."""
        person = _person(request)
        return {
            "id": person.public_id,
            "name": person.get_full_name(),
            "is_active": person.is_active,
            "reason": request.details.get("reason", ""),
        }

    def subject_path(self, request: ApprovalRequest) -> str:  # noqa: ARG002 -- as above
        """Return the person's own page about it."""
        return reverse(PAGE_ROUTE)


def _person(request: ApprovalRequest) -> User:
    return User.objects.get(pk=request.subject_id)
