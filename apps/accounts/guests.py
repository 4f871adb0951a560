"""Letting organizations in to something private of another one: a private API, a private plan.

An organization is named by its id, or a mail goes to somebody who works there: the answer is the same whether or not the
address is known here, and whoever follows the link decides for which of their organizations they do. Nobody learns from
it who has an account. The apps above keep who was let in; here is what all of them ask and send.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, User
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, RuleViolated
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.mail import send_mail
from apps.core.models import AuditEvent, Entity

VALID_FOR: Final = timedelta(days=7)
MAX_MAILS_A_DAY: Final = 50


@dataclass(frozen=True, slots=True)
class GuestLink:
    """What a link of a mail stands for: one private thing, opened to whoever reads mail at an address."""

    thing_id: UUID
    email: str
    sent_at: datetime

    def guest_of(self, host_id: UUID, *, user: User, actor: Actor) -> Organization | None:
        """Return the organization that a person works in now; None if the link is not for them, or it is the host."""
        if actor.organization_id in {None, host_id} or user.email.lower() != self.email:
            return None
        return Organization.objects.filter(pk=actor.organization_id, is_active=True).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestLinks:
    """The mailed links to one kind of private thing; valid for seven days.

    Attributes:
        salt: keeps links to one kind from opening another.
        member: the name of the thing's id inside the link.
        route: of the page that a link opens.
        template: of the mail.
        action: of the audit row that each mail leaves, by which mails are counted.
        too_many: the refusal of more mails in a day, with `limit`.
    """

    salt: str
    member: str
    route: str
    template: str
    action: str
    too_many: str | Promise

    def send(self, thing: Entity, *, email: str, actor: Actor, words: dict[str, Any]) -> None:
        """Send a link to an address, with `words` for the mail.

        Raises:
            InvalidInput: this is not an e-mail address.
            RuleViolated: enough mails were sent for this thing today.
        """
        address = email.strip().lower()
        try:
            validate_email(address)
        except ValidationError:
            raise InvalidInput(_("This is not an e-mail address."), field="email") from None
        self._require_few_mails(thing)
        known = User.objects.filter(email=address).first()
        send_mail(
            template=self.template,
            to=[address],
            language=known.language if known else (get_language() or settings.LANGUAGE_CODE),
            context={
                **words,
                "url": f"{settings.PUBLIC_URL}{reverse(self.route, args=[self._token(thing, address)])}",
                "days": VALID_FOR.days,
                "marketplace_name": settings.MARKETPLACE_NAME,
            },
        )
        record_audit(action=self.action, target=thing, actor=actor)

    def read(self, token: str) -> GuestLink | None:
        """Return what a link stands for; None if it is forged or expired."""
        try:
            content = signing.loads(token, salt=self.salt)
            sent_at = datetime.fromisoformat(content["at"])
            link = GuestLink(UUID(content[self.member]), content["email"], sent_at)
        except (signing.BadSignature, ValueError, KeyError, TypeError):
            return None
        return None if sent_at + VALID_FOR < clock.now() else link

    def _token(self, thing: Entity, address: str) -> str:
        # Dated by the clock of the product, so that tests and people mean the same seven days.
        content = {self.member: str(thing.pk), "email": address, "at": clock.now().isoformat()}
        return signing.dumps(content, salt=self.salt, compress=True)

    def _require_few_mails(self, thing: Entity) -> None:
        sent = AuditEvent.objects.filter(
            action=self.action,
            target_type=thing._meta.label_lower,
            target_id=thing.pk,
            occurred_at__gt=clock.now() - timedelta(days=1),
        )
        if sent.count() >= MAX_MAILS_A_DAY:
            detail = str(self.too_many) % {"limit": MAX_MAILS_A_DAY}
            raise RuleViolated(detail, code="too_many_invitations")


def find_guest(organization_id: str, *, host_id: UUID) -> Organization:
    """Return the organization that a host names by its public id.

    Raises:
        InvalidInput: no active organization has this id, or it is the host itself.
    """
    try:
        key = parse_public_id(Organization.id_prefix, organization_id.strip())
    except InvalidPublicIdError:
        raise _unknown() from None
    organization = Organization.objects.filter(pk=key, is_active=True).first()
    if organization is None or organization.pk == host_id:
        raise _unknown()
    return organization


def _unknown() -> InvalidInput:
    return InvalidInput(_("No other organization has this id."), field="organization_id")
