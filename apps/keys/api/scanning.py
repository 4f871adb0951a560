"""The endpoint that secret scanning reports leaked keys to, in the format of GitHub's partner programme."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.actors import Actor, ActorKind
from apps.core.api.permissions import PUBLIC
from apps.core.api.views import ApiView
from apps.core.exceptions import InvalidInput, NotFound, RequestTooLarge
from apps.keys import selectors, services
from apps.keys.exceptions import ScanReportUnsigned
from apps.keys.scan_signatures import require_signed

KEY_ID_HEADER: Final = "Github-Public-Key-Identifier"
SIGNATURE_HEADER: Final = "Github-Public-Key-Signature"
MAX_BODY_BYTES: Final = 1_048_576
MAX_MATCHES: Final = 1_000
MAX_HEADER_CHARS: Final = 512
SCANNER: Final = "secret scanning"
TRUE: Final = "true_positive"
FALSE: Final = "false_positive"


class ScanMatchInput(serializers.Serializer[Any]):
    """A text in public that looks like a key."""

    token = serializers.CharField(max_length=500)
    type = serializers.CharField(max_length=200)
    url = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    source = serializers.CharField(  # type: ignore[assignment]  # declared fields are no attributes
        max_length=60, required=False, allow_blank=True, default=""
    )


class ScanVerdictOutput(serializers.Serializer[Any]):
    """Whether a text is a key of ours."""

    token_hash = serializers.CharField(help_text="SHA-256 of the text, in hex.")
    token_type = serializers.CharField()
    label = serializers.ChoiceField(  # type: ignore[assignment]  # as above
        choices=[TRUE, FALSE]
    )


class SecretScanningView(ApiView):
    """Takes reports of leaked keys."""

    method_permissions = {"POST": PUBLIC}

    @extend_schema(
        request=ScanMatchInput(many=True),
        responses=ScanVerdictOutput(many=True),
        parameters=[
            OpenApiParameter(
                name, str, OpenApiParameter.HEADER, required=True, description=description
            )
            for name, description in (
                (KEY_ID_HEADER, "Which of the sender's published keys signed the body."),
                (SIGNATURE_HEADER, "ECDSA P-256 with SHA-256 over the raw body, in base64."),
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Take a signed report of keys that were found in public, as GitHub's secret scanning sends it.

        Each key is revoked, or its owner is told, as its organization chose. The answer says of each text whether it is
        a key of ours. A report that comes again changes nothing.
        """
        if not settings.SECRET_SCANNING_KEYS_URL:
            raise NotFound
        body = _body_of(request)
        require_signed(
            body,
            key_id=_header(request, KEY_ID_HEADER),
            signature=_header(request, SIGNATURE_HEADER),
        )
        matches = _matches_in(body)
        keys = selectors.find_keys_by_secrets(match["token"] for match in matches)
        scanner = _scanner(self.actor)
        for match in matches:
            key = keys.get(match["token"])
            if key is not None:
                services.report_leak(
                    key=key, url=match["url"], source=match["source"], actor=scanner
                )
        return Response([_verdict(match, is_ours=match["token"] in keys) for match in matches])


def _body_of(request: Request) -> bytes:
    announced = request.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise RequestTooLarge(max_bytes=MAX_BODY_BYTES)
    body = bytes(request.body)
    if len(body) > MAX_BODY_BYTES:
        raise RequestTooLarge(max_bytes=MAX_BODY_BYTES)
    return body


def _header(request: Request, name: str) -> str:
    value = str(request.headers.get(name, ""))
    if not 0 < len(value) <= MAX_HEADER_CHARS:
        raise ScanReportUnsigned(_("Send the header %(name)s.") % {"name": name}, field=name)
    return value


def _matches_in(body: bytes) -> list[dict[str, Any]]:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput(_("The body is not valid JSON."), code="parse_error") from None
    if not isinstance(sent, list) or len(sent) > MAX_MATCHES:
        raise InvalidInput(_("Send a list of at most %(most)s matches.") % {"most": MAX_MATCHES})
    serializer = ScanMatchInput(data=sent, many=True)
    serializer.is_valid(raise_exception=True)
    return list(serializer.validated_data)


def _scanner(caller: Actor) -> Actor:
    """Who the trail names: the scanner, with the address that the report came from."""
    return Actor(kind=ActorKind.SYSTEM, label=SCANNER, ip=caller.ip, user_agent=caller.user_agent)


def _verdict(match: dict[str, Any], *, is_ours: bool) -> dict[str, str]:
    return {
        "token_hash": hashlib.sha256(match["token"].encode()).hexdigest(),
        "token_type": match["type"],
        "label": TRUE if is_ours else FALSE,
    }
