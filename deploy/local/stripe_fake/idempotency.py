"""`Idempotency-Key`: the same request twice is carried out once and answered alike."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.messages import Request, Response
from deploy.local.stripe_fake.store import Store

MAX_KEY_LENGTH = 255


class IdempotencyKeys:
    """Answers by key; keys under way are known only to this process."""

    def __init__(self, store: Store) -> None:
        """Keep answers in the store."""
        self._store = store
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, key: str) -> Iterator[None]:
        """Hold a key while its request runs.

        Raises:
            StripeError: 409 when another request holds it; 400 when it is too long.
        """
        if len(key) > MAX_KEY_LENGTH:
            raise StripeError(
                f"Idempotency key is too long (maximum is {MAX_KEY_LENGTH} characters)",
                type="idempotency_error",
            )
        with self._lock:
            if key in self._under_way:
                raise StripeError(
                    "There is currently another in-progress request using this Idempotent Key "
                    "(that probably means you submitted twice, and the other request is still "
                    f"going through): {key}. Please try again later.",
                    status=HTTPStatus.CONFLICT,
                    type="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._under_way.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(key)

    def find_answer(self, key: str, request: Request) -> Response | None:
        """Return the first answer given under this key, or None.

        Raises:
            StripeError: 400 `idempotency_error` when the key was used for another request.
        """
        rows = self._store.rows("SELECT * FROM idempotency WHERE key = ?", key)
        if not rows:
            return None
        row = rows[0]
        if row["fingerprint"] != _fingerprint(request):
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                type="idempotency_error",
            )
        headers = {
            "Content-Type": "application/json",
            "Idempotent-Replayed": "true",
            "Original-Request": row["request_id"],
        }
        return Response(row["status"], row["body"].encode(), headers)

    def remember(self, key: str, request: Request, answer: Response, request_id: str) -> None:
        """Keep the answer of a request that was carried out, whether it succeeded or not."""
        self._store.rows(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)",
            key,
            _fingerprint(request),
            answer.status,
            answer.body.decode(),
            request_id,
        )


def _fingerprint(request: Request) -> str:
    text = f"{request.method} {request.path}\n{request.text}"
    return hashlib.sha256(text.encode()).hexdigest()
