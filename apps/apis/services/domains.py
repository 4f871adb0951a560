"""Providers' own domains: claimed, proven by a TXT record or by an operator, and given up.

Source: docs/domain/publishing.md (own domains).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.enums import PlatformFeature
from apps.accounts.platform_plans.gates import require_feature
from apps.apis.constants import MAX_DOMAINS
from apps.apis.enums import ApiStatus, DomainStatus
from apps.apis.events import ApiChanged
from apps.apis.exceptions import ApiNotEditable, DomainTaken
from apps.apis.hostnames import clean_hostname
from apps.apis.models import Api, ApiDomain
from apps.apis.services.moves import tell
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import forbid_transaction
from apps.core.exceptions import RuleViolated

LOOKUP_TIMEOUT_S: Final = 5.0
TOKEN_BYTES: Final = 20
# A claim that was not proven by then is no longer looked at by itself.
CHECKED_FOR: Final = timedelta(days=14)
CHECKS_AT_ONCE: Final = 50
DNS_PORT: Final = 53


@transaction.atomic
def add_domain(*, api: Api, hostname: str, actor: Actor) -> ApiDomain:
    """Claim a host name for an API; calls reach it there once it is verified.

    Raises:
        InvalidInput: no public host name, an address, or a name of this marketplace.
        DomainTaken: the API has it already, or somebody has proven that it is theirs.
        RuleViolated: the API has as many as it may.
        ApiNotEditable: the API is retired.
        PlanRequired: the provider's plan does not include own domains; those that it has keep working.
    """
    require_feature(api.organization_id, PlatformFeature.CUSTOM_DOMAINS, field="hostname")
    name = clean_hostname(hostname)
    locked = Api.objects.lock(api.pk)
    if locked.status == ApiStatus.RETIRED:
        raise ApiNotEditable(current=locked.status)
    rows = ApiDomain.objects.filter(hostname=name)
    if rows.filter(api=api).exists() or rows.filter(status=DomainStatus.VERIFIED).exists():
        raise DomainTaken(field="hostname")
    if api.domains.count() >= MAX_DOMAINS:
        detail = _("An API has at most %(limit)s domains.") % {"limit": MAX_DOMAINS}
        raise RuleViolated(detail, code="too_many_domains")
    domain = ApiDomain.objects.create(
        api=api, hostname=name, token=secrets.token_urlsafe(TOKEN_BYTES)
    )
    record_audit(
        action="apis:domain:added", target=domain, actor=actor,
        organization_id=api.organization_id, after={"hostname": name},
    )  # fmt: skip
    return domain


def verify_domain(*, domain: ApiDomain, actor: Actor) -> ApiDomain:
    """Look for the TXT record, and let calls come once it is there; `last_error` says what is missing.

    Talks to name servers, so it must not be called inside a transaction.

    Raises:
        DomainTaken: somebody else has proven that it is theirs.
        TransactionForbiddenError: called inside a transaction.

    Publishes: ApiChanged, when it is verified.
    """
    forbid_transaction()
    if domain.status == DomainStatus.VERIFIED:
        return domain
    problem = _find_problem(domain)
    if problem:
        domain.checked_at, domain.last_error = clock.now(), problem[:200]
        domain.save(update_fields=["checked_at", "last_error", "updated_at"])
        return domain
    return confirm_domain(domain=domain, actor=actor)


@transaction.atomic
def confirm_domain(*, domain: ApiDomain, actor: Actor, reason: str = "") -> ApiDomain:
    """Take a domain as proven: its record was seen, or an operator knows whose it is.

    Raises:
        DomainTaken: somebody else has proven that it is theirs.

    Publishes: ApiChanged.
    """
    api = Api.objects.lock(domain.api_id)
    domain.refresh_from_db()
    if domain.status == DomainStatus.VERIFIED:
        return domain
    now = clock.now()
    domain.status, domain.verified_at, domain.checked_at = DomainStatus.VERIFIED, now, now
    domain.last_error = ""
    try:
        with transaction.atomic():
            domain.save()
    except IntegrityError:
        raise DomainTaken(field="hostname") from None
    record_audit(
        action="apis:domain:verified", target=domain, actor=actor,
        organization_id=api.organization_id, after={"hostname": domain.hostname}, reason=reason,
    )  # fmt: skip
    tell(ApiChanged, api)
    return domain


@transaction.atomic
def remove_domain(*, domain: ApiDomain, actor: Actor) -> None:
    """Give a domain up: calls for it no longer reach the API.

    Publishes: ApiChanged, if calls came that way.
    """
    api = Api.objects.lock(domain.api_id)
    record_audit(
        action="apis:domain:removed", target=domain, actor=actor,
        organization_id=api.organization_id, before={"hostname": domain.hostname},
    )  # fmt: skip
    was_verified = domain.status == DomainStatus.VERIFIED
    domain.delete()
    if was_verified:
        tell(ApiChanged, api)


def check_claimed_domains(*, actor: Actor) -> dict[str, int]:
    """Look again for the records of fresh claims, those first that were not looked at for longest."""
    fresh = ApiDomain.objects.filter(
        status=DomainStatus.PENDING, created_at__gt=clock.now() - CHECKED_FOR
    ).select_related("api")
    verified = 0
    rows = list(fresh.order_by("checked_at", "pk")[:CHECKS_AT_ONCE])
    for domain in rows:
        try:
            verified += verify_domain(domain=domain, actor=actor).status == DomainStatus.VERIFIED
        except DomainTaken:
            domain.checked_at, domain.last_error = clock.now(), str(DomainTaken.title)
            domain.save(update_fields=["checked_at", "last_error", "updated_at"])
    return {"checked": len(rows), "verified": verified}


def _find_problem(domain: ApiDomain) -> str:
    """Return what is wrong with the TXT record; empty when it says what it must."""
    try:
        answer = _resolver().resolve(domain.record_name, "TXT", lifetime=LOOKUP_TIMEOUT_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return _("There is no TXT record %(name)s.") % {"name": domain.record_name}
    except dns.exception.DNSException:
        return _("The name servers of this domain did not answer.")
    said = {b"".join(record.strings).decode(errors="replace") for record in answer}
    if domain.record_value not in said:
        return _("The TXT record %(name)s says something else.") % {"name": domain.record_name}
    return ""


def _resolver() -> dns.resolver.Resolver:
    """Ask the name servers that the gateway's resolver asks, or the machine's."""
    if not settings.NAME_SERVERS:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [_name_server(text) for text in settings.NAME_SERVERS]
    return resolver


def _name_server(text: str) -> dns.nameserver.Nameserver:
    host, separator, port = text.rpartition(":")
    is_plain = not separator or ("]" not in text and text.count(":") > 1)
    address, number = (text, DNS_PORT) if is_plain else (host, int(port))
    return dns.nameserver.Do53Nameserver(address.strip("[]"), number)
