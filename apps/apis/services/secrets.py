"""Headers that the gateway adds for the upstream: encrypted, replaceable, never shown."""

from __future__ import annotations

import re
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.apis.constants import MAX_UPSTREAM_SECRETS
from apps.apis.events import ApiChanged
from apps.apis.models import Api, ApiUpdate, UpstreamSecret
from apps.apis.policy import needs_review
from apps.apis.services.fields import HEADER_NAME
from apps.apis.services.moves import tell
from apps.apis.services.updates import SECRETS, request_update
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, RuleViolated

_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\t]{1,4096}")
# The proxy and HTTP itself own these.
FORBIDDEN_HEADERS: Final = frozenset(
    {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "x-api-key", "x-subscription-key",
    }
)  # fmt: skip


@transaction.atomic
def set_upstream_secret(
    *, api: Api, header_name: str, value: str, actor: Actor
) -> UpstreamSecret | ApiUpdate:
    """Store the value that the gateway sends to the upstream in a header, replacing an older one.

    A header that a live API did not send before waits for an approver, its value encrypted; then the update is
    returned. A new value of a known header, and removing one, are in force at once: a leaked secret cannot wait.

    Raises:
        UpdatePending: another change of the live API waits for an approver.
        InvalidInput: not a header name, a name that the proxy owns, or a value with control characters.
        RuleViolated: the API has as many secrets as the gateway can carry.

    Publishes: ApiChanged.
    """
    name = header_name.strip()
    if not HEADER_NAME.fullmatch(name) or name.lower() in FORBIDDEN_HEADERS:
        raise InvalidInput(_("This header cannot be set."), field="header_name")
    if not _HEADER_VALUE.fullmatch(value):
        detail = _("A header value has 1 to 4096 printable ASCII characters.")
        raise InvalidInput(detail, field="value")
    Api.objects.lock(api.pk)
    api.refresh_from_db()
    secret = api.upstream_secrets.filter(header_name__iexact=name).first()
    if secret is None and api.upstream_secrets.count() >= MAX_UPSTREAM_SECRETS:
        detail = _("An API has at most %(limit)s secrets.") % {"limit": MAX_UPSTREAM_SECRETS}
        raise RuleViolated(detail, code="too_many_secrets")
    if secret is None and needs_review(api, actor):
        sent = sorted(api.upstream_secrets.values_list("header_name", flat=True))
        wanted = {SECRETS: {"before": sent, "after": sorted([*sent, name])}}
        return request_update(api=api, changes=wanted, actor=actor, sealed={name: value})
    secret = secret or UpstreamSecret(api=api)
    secret.header_name, secret.value = name, value
    secret.save()
    record_audit(action="apis:secret:set", target=api, actor=actor, after={"header_name": name})
    tell(ApiChanged, api)
    return secret


@transaction.atomic
def delete_upstream_secret(*, secret: UpstreamSecret, actor: Actor) -> None:
    """Forget a secret: the gateway no longer sends its header.

    Publishes: ApiChanged.
    """
    api = secret.api
    name = secret.header_name
    secret.delete()
    record_audit(
        action="apis:secret:deleted", target=api, actor=actor, before={"header_name": name}
    )
    tell(ApiChanged, api)
