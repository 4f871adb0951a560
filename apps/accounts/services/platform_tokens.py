"""Platform tokens whose secret the operator brings along, such as the shipper's from the environment."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.credentials import SERVICE_TOKEN_PREFIX, SHOWN_PREFIX_CHARS, digest_of
from apps.accounts.exceptions import UnknownPermission
from apps.accounts.models import ServiceToken
from apps.accounts.roles import TOKEN_ONLY
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated


@transaction.atomic
def adopt_platform_token(
    *, name: str, secret: str, permissions: frozenset[str], actor: Actor
) -> ServiceToken:
    """Make the token of this name hold this secret; the secrets it held before are revoked.

    Running it again with the same secret changes nothing, so it can be part of every deployment.

    Raises:
        RuleViolated: the secret does not start with `tgt_` or is too short to be random enough.
        UnknownPermission: not a permission that platform tokens hold.
    """
    if not secret.startswith(SERVICE_TOKEN_PREFIX) or len(secret) < len(SERVICE_TOKEN_PREFIX) + 32:
        raise RuleViolated(f"The token must be {SERVICE_TOKEN_PREFIX} and at least 32 characters.")
    if not permissions <= TOKEN_ONLY:
        raise UnknownPermission(field="permissions", unknown=sorted(permissions - TOKEN_ONLY))
    platform = ServiceToken.objects.filter(organization__isnull=True, revoked_at__isnull=True)
    known = platform.filter(token_digest=digest_of(secret)).first()
    if known is not None:
        return known
    platform.filter(name=name).update(revoked_at=clock.now())
    token = ServiceToken.objects.create(
        name=name,
        token_prefix=secret[:SHOWN_PREFIX_CHARS],
        token_digest=digest_of(secret),
        permissions=sorted(permissions),
    )
    record_audit(
        action="accounts:service_token:adopted",
        target=token,
        actor=actor,
        after={"name": name, "permissions": sorted(permissions)},
    )
    return token
