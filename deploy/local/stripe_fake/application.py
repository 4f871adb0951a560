"""From a request to an answer: key, idempotency, parameters, operation, expansion."""

from __future__ import annotations

import base64
import binascii
import json
import time
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import stripe

from deploy.local.stripe_fake import control, forms, pages
from deploy.local.stripe_fake.calls import Call, Operation, find_operation
from deploy.local.stripe_fake.contract import read_params
from deploy.local.stripe_fake.delivery import Courier
from deploy.local.stripe_fake.errors import CardError, StripeError
from deploy.local.stripe_fake.expansion import expand
from deploy.local.stripe_fake.faults import Faults
from deploy.local.stripe_fake.idempotency import IdempotencyKeys
from deploy.local.stripe_fake.ids import new_id
from deploy.local.stripe_fake.messages import Request, Response, json_response
from deploy.local.stripe_fake.resources.accounts import no_access, own_account
from deploy.local.stripe_fake.shapes import render
from deploy.local.stripe_fake.store import Store

KEY_PREFIXES = ("sk_test_", "rk_test_")
SECRET_PARAMS = frozenset({"number", "cvc"})


class StripeFake:
    """The application behind the socket."""

    def __init__(self, store: Store, courier: Courier, base_url: str) -> None:
        """Serve the objects of a store; `base_url` is where browsers reach this fake."""
        self.store = store
        self.courier = courier
        self.base_url = base_url
        self.faults = Faults()
        self._keys = IdempotencyKeys(store)

    def handle(self, request: Request) -> Response:
        """Answer any request."""
        if request.path.startswith("/_fake/"):
            return control.handle(self, request)
        if request.path.startswith("/pay/"):
            return pages.handle(self, request)
        return self._answer_api_call(request)

    def new_call(self, params: dict[str, Any], path: dict[str, str] | None = None) -> Call:
        """Return a call that comes from a hosted page or a test, not from the API."""
        return Call(self.store, params, path or {}, new_id("req", 14), self.base_url)

    def _answer_api_call(self, request: Request) -> Response:
        request_id = new_id("req", 14)
        try:
            answer = self._authorized(request, request_id)
        except StripeError as error:
            answer = json_response(error.status, error.body(request_id))
        self._log(request, answer, request_id)
        self.courier.wake()
        return replace(answer, headers=answer.headers | _echoed(request, request_id))

    def _authorized(self, request: Request, request_id: str) -> Response:
        _check_key(request)
        self._check_account(request)
        found = find_operation(request.method, request.path)
        if found is None:
            raise StripeError(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see "
                "https://stripe.com/docs or we can help at https://support.stripe.com/.",
                status=HTTPStatus.NOT_FOUND,
            )
        operation, path = found
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        with ExitStack() as held:
            if key:
                held.enter_context(self._keys.claim(key))

            def proceed() -> Response:
                earlier = self._keys.find_answer(key, request) if key else None
                return earlier or self._carry_out(request, operation, path, request_id)

            # A fault plays while the key is held, so that a second request meets a conflict.
            return self.faults.around(request.method, request.path, proceed)

    def _check_account(self, request: Request) -> None:
        account_id = request.headers.get("stripe-account")
        if not account_id:
            return
        with self.store.transaction():
            own_id = own_account(self.store)["id"]
        if account_id != own_id:
            raise no_access(account_id)

    def _carry_out(
        self, request: Request, operation: Operation, path: dict[str, str], request_id: str
    ) -> Response:
        params = read_params(operation.params, forms.decode(request.query or request.text))
        paths = params.pop("expand", [])
        key = request.headers.get("idempotency-key")
        call = Call(self.store, params, path, request_id, self.base_url, key)
        try:
            answer = self._run(call, operation, paths)
        except StripeError as error:
            answer = json_response(error.status, error.body(request_id))
        # From here on the request counts as executed: even a refusal is replayed under its key.
        if key and request.method == "POST":
            self._keys.remember(key, request, answer, request_id)
        return answer

    def _run(self, call: Call, operation: Operation, paths: list[str]) -> Response:
        """Carry out an operation; a card's refusal is kept, any other error leaves no trace."""
        with self.store.transaction():
            try:
                result = operation.handler(call)
            except CardError as refusal:
                return json_response(refusal.status, refusal.body(call.request_id))
            result = render(expand(self.store, result, paths))
        return json_response(HTTPStatus.OK, result)

    def _log(self, request: Request, answer: Response, request_id: str) -> None:
        try:
            params = _redact(forms.decode(request.query or request.text))
        except StripeError:
            params = {}
        self.store.rows(
            "INSERT INTO request (request_id, at, method, path, status, idempotency_key, params)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            request_id,
            time.time(),
            request.method,
            request.path,
            answer.status,
            request.headers.get("idempotency-key"),
            json.dumps(params),
        )


def _check_key(request: Request) -> None:
    """Take test keys only, as bearer token or as the user name of basic authentication."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            credentials = base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            credentials = ""
    if not credentials:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=HTTPStatus.UNAUTHORIZED,
        )
    if not credentials.startswith(KEY_PREFIXES):
        raise StripeError(
            f"Invalid API Key provided: {credentials[:3]}****. The local Stripe takes test keys "
            "only.",
            status=HTTPStatus.UNAUTHORIZED,
        )


def _echoed(request: Request, request_id: str) -> dict[str, str]:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("stripe-version", stripe.api_version),
    }
    if key := request.headers.get("idempotency-key"):
        headers["Idempotency-Key"] = key
    return headers


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "REDACTED" if k in SECRET_PARAMS else _redact(v) for k, v in value.items()}
    return [_redact(item) for item in value] if isinstance(value, list) else value
