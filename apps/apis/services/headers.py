"""Headers that callers must send to an API."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.apis.constants import MAX_REQUIRED_HEADERS
from apps.apis.events import ApiChanged
from apps.apis.exceptions import HeaderTaken
from apps.apis.models import Api, RequiredHeader
from apps.apis.services.editing import require_editable
from apps.apis.services.fields import HEADER_NAME
from apps.apis.services.moves import tell
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, RuleViolated

# The gateway takes, drops or sets these itself, or decides without seeing them.
NOT_FOR_CALLERS: Final = frozenset(
    {
        "authorization", "connection", "content-length", "cookie", "expect", "forwarded", "host", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "via", "x-api-key", "x-request-id", "x-subscription-id", "x-subscription-key",
    }
)  # fmt: skip
NOT_FOR_CALLERS_PREFIXES: Final = ("x-forwarded-", "x-tollgate-")


def can_be_required(name: str) -> bool:
    """Whether callers can be asked for a header, and the gateway can see whether they sent it.

    Names with an underscore never arrive: some servers take it for a hyphen, so the gateway drops them.
    """
    lowered = name.lower()
    return (
        HEADER_NAME.fullmatch(name) is not None
        and "_" not in name
        and lowered not in NOT_FOR_CALLERS
        and not lowered.startswith(NOT_FOR_CALLERS_PREFIXES)
    )


@transaction.atomic
def add_required_header(
    *, api: Api, name: str, description: str = "", actor: Actor
) -> RequiredHeader:
    """Demand a header of callers: the gateway refuses calls that lack it.

    Raises:
        InvalidInput: not a header name, or one that the gateway keeps for itself.
        HeaderTaken: it is required already.
        RuleViolated: there are as many as a caller can be asked for.
        ApiNotEditable: the API is being reviewed or registered, or is retired.

    Publishes: ApiChanged.
    """
    name = name.strip()
    if not can_be_required(name):
        raise InvalidInput(_("Callers cannot be asked for this header."), field="name")
    Api.objects.lock(api.pk)
    require_editable(api)
    if api.required_headers.filter(name__iexact=name).exists():
        raise HeaderTaken(field="name")
    if api.required_headers.count() >= MAX_REQUIRED_HEADERS:
        detail = _("An API requires at most %(limit)s headers.") % {"limit": MAX_REQUIRED_HEADERS}
        raise RuleViolated(detail, code="too_many_headers")
    header = RequiredHeader(api=api, name=name, description=description.strip())
    header.clean_fields(exclude={"api"})
    try:
        with transaction.atomic():
            header.save(force_insert=True)
    except IntegrityError:
        raise HeaderTaken(field="name") from None
    record_audit(action="apis:header:added", target=api, actor=actor, after={"name": name})
    tell(ApiChanged, api)
    return header


@transaction.atomic
def remove_required_header(*, header: RequiredHeader, actor: Actor) -> None:
    """No longer ask callers for a header.

    Raises:
        ApiNotEditable: the API is being reviewed or registered, or is retired.

    Publishes: ApiChanged.
    """
    api, name = header.api, header.name
    require_editable(api)
    header.delete()
    record_audit(action="apis:header:removed", target=api, actor=actor, before={"name": name})
    tell(ApiChanged, api)
