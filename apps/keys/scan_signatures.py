"""Who signed a report of leaked keys: GitHub publishes its public keys, we fetch and keep them for an hour.

Source: GitHub's secret scanning partner programme; docs/domain/keys.md.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from typing import Final

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.cache import cache

from apps.core import http_client
from apps.core.exceptions import UnsafeUrl
from apps.keys.exceptions import ScanKeysUnavailable, ScanSignatureInvalid

CACHE_KEY: Final = "keys:scan:public_keys"
KEPT_FOR_S: Final = 3600
# An id that is not among the kept keys may be a new one; so often at most is its sender asked again.
ASKED_KEY: Final = "keys:scan:asked"
ASKED_AGAIN_AFTER_S: Final = 60
RETRY_AFTER_S: Final = 60
TIMEOUT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 262_144


def require_signed(body: bytes, *, key_id: str, signature: str) -> None:
    """Check the signature (ECDSA on P-256 with SHA-256, DER in base64) of a report's very bytes.

    Raises:
        ScanSignatureInvalid: it does not fit, or the sender publishes no such key.
        ScanKeysUnavailable: the sender's keys could not be fetched.
    """
    key = _public_key(key_id)
    try:
        key.verify(b64decode(signature, validate=True), body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise ScanSignatureInvalid from None


def _public_key(key_id: str) -> ec.EllipticCurvePublicKey:
    pem = _published_keys(key_id).get(key_id)
    if pem is None:
        raise ScanSignatureInvalid
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise ScanSignatureInvalid from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ScanSignatureInvalid
    return key


def _published_keys(key_id: str) -> dict[str, str]:
    """Return the keys as PEM by their ids; asked for again when the id is new to us, once a minute at most."""
    kept: dict[str, str] | None = cache.get(CACHE_KEY)
    if kept is not None and (key_id in kept or not cache.add(ASKED_KEY, 1, ASKED_AGAIN_AFTER_S)):
        return kept
    fetched = _fetch_keys()
    cache.set(CACHE_KEY, fetched, KEPT_FOR_S)
    return fetched


def _fetch_keys() -> dict[str, str]:
    try:
        answer = http_client.fetch(
            "GET",
            settings.SECRET_SCANNING_KEYS_URL,
            headers={"Accept": "application/json"},
            timeout_s=TIMEOUT_S,
            total_s=TIMEOUT_S,
            max_bytes=MAX_ANSWER_BYTES,
        )
        rows = json.loads(answer.body)["public_keys"] if answer.status == httpx.codes.OK else None
        keys = {str(row["key_identifier"]): str(row["key"]) for row in rows or ()}
    except (httpx.HTTPError, UnsafeUrl, ValueError, KeyError, TypeError):
        keys = {}
    if not keys:
        raise ScanKeysUnavailable(retry_after_s=RETRY_AFTER_S)
    return keys
