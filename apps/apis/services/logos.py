"""A listing's picture: taken from a file or an address, made small and safe, kept in the database."""

from __future__ import annotations

from django.db import transaction

from apps.apis.constants import MAX_LOGO_BYTES
from apps.apis.models import Api, ApiLogo
from apps.apis.pictures import make_logo
from apps.apis.services.editing import require_editable
from apps.apis.services.fetching import fetch_file
from apps.core.actors import Actor
from apps.core.audit import record_audit


def fetch_logo(url: str) -> bytes:
    """Read a picture from a provider's address; call it outside transactions.

    Raises:
        UnsafeUrl: an address that Tollgate does not call.
        DocumentNotFetched: no answer, not 200, or larger than 1 MB.
    """
    return fetch_file(url, accepted="image/webp, image/png, image/jpeg", max_bytes=MAX_LOGO_BYTES)


def set_logo(*, api: Api, content: bytes, actor: Actor) -> ApiLogo:
    """Make a file the API's logo, replacing an older one.

    Raises:
        PictureRefused: not a PNG, JPEG or WebP picture of reasonable size.
        ApiNotEditable: the API is being reviewed or registered, or is retired.
    """
    picture = make_logo(content)
    with transaction.atomic():
        Api.objects.lock(api.pk)
        require_editable(api)
        logo, _is_new = ApiLogo.objects.update_or_create(
            api=api,
            defaults={
                "image": picture.image,
                "content_type": picture.content_type,
                "digest": picture.digest,
            },
        )
        record_audit(
            action="apis:logo:set", target=api, actor=actor, after={"digest": picture.digest}
        )
    return logo


@transaction.atomic
def remove_logo(*, api: Api, actor: Actor) -> None:
    """Show the API's first letters again; without a logo nothing happens.

    Raises:
        ApiNotEditable: the API is being reviewed or registered, or is retired.
    """
    require_editable(api)
    logo = ApiLogo.objects.filter(api=api).defer("image").first()
    if logo is None:
        return
    record_audit(
        action="apis:logo:removed", target=api, actor=actor, before={"digest": logo.digest}
    )
    logo.delete()
