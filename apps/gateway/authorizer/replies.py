"""How each proxy is answered: what it may do with a status, and which headers it expects to find.

Source: docs/architecture/gateway.md §1.1.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.decision import cors_headers
from apps.gateway.authorizer.http import EMPTY_END, render_end, render_head, render_headers
from apps.gateway.authorizer.profiles import ENVOY, NGINX, TRAEFIK

if TYPE_CHECKING:
    from collections import Counter

    from apps.gateway.authorizer.decision import Admission
    from apps.gateway.authorizer.http import Connection
    from apps.gateway.authorizer.limits import Taken
    from apps.gateway.authorizer.problems import Answer, HeaderList

logger = logging.getLogger(__name__)

ALLOWED: Final = "allowed"
PREFLIGHT: Final = "preflight"
# What an answer to another proxy than Caddy always has, empty when there is nothing to say: those proxies
# would keep the client's header of that name, or the last call's variable, where the answer has none.
CONTRACT: Final = (
    "x-request-id",
    "ratelimit-policy",
    "ratelimit",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-quota-limit",
    "x-quota-remaining",
    "x-quota-reset",
    "retry-after",
    "access-control-allow-origin",
)
# nginx passes these two on and turns everything else into 500.
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_EMPTY_CONTRACT: Final = dict.fromkeys(CONTRACT, "")


def _told(admission: Admission, taken: Taken | None) -> HeaderList:
    """Return what the caller of an allowed call is told: limits, and whether a page may read the response."""
    limits = [] if taken is None else taken.headers(admission)
    return [*limits, *cors_headers(admission.call, admission.route)]


class Reply:
    """Counts the answer to one request and sends it as Caddy takes it: as it is."""

    __slots__ = ("_connection", "_decisions", "page_headers")

    def __init__(self, connection: Connection, decisions: Counter[str]) -> None:
        """Answer on a connection."""
        self._connection = connection
        self._decisions = decisions
        # What lets a page read a refusal too; an allowed call's answer has its own.
        self.page_headers: HeaderList = []

    def render_allowed(self, admission: Admission, taken: Taken | None) -> bytes:
        """Return the answer that lets a call on; `taken` is None when no counter was asked.

        Raises: ValueError when a header cannot be sent.
        """
        if taken is not None and not admission.route.cors_origins:
            return taken.render(admission)
        headers = _told(admission, taken)
        head = admission.grant.head_for(admission.route)
        return b"%b%b%b" % (head, render_headers(headers), EMPTY_END)

    def allow(self, rendered: bytes) -> None:
        """Let the call on."""
        self._decisions[ALLOWED] += 1
        self._connection.respond(rendered)

    def refuse(self, answer: Answer) -> None:
        """Send an answer that is no allowed call."""
        if self.page_headers and answer.code != PREFLIGHT:
            answer = answer.with_headers(self.page_headers)
        try:
            rendered = self._render_refused(answer)
        except ValueError:
            logger.exception("authorizer: an answer cannot be sent")
            answer = problems.INTERNAL
            rendered = self._render_refused(answer)
        self._decisions[answer.code] += 1
        self._connection.respond(rendered)

    def _render_refused(self, answer: Answer) -> bytes:
        return render_head(answer.status, answer.headers) + render_end(answer.body)


class ContractReply(Reply):
    """Answers with every header of the contract. `x-request-id` is the id that the journal knows."""

    __slots__ = ("request_id",)

    def __init__(self, connection: Connection, decisions: Counter[str]) -> None:
        """Answer on a connection; the id is known when the question has been read."""
        super().__init__(connection, decisions)
        self.request_id = ""

    def render_allowed(self, admission: Admission, taken: Taken | None) -> bytes:
        """Return the answer that lets a call on, with nothing left out."""
        head = admission.grant.contract_head_for(admission.route)
        headers = _told(admission, taken)
        return b"%b%b%b" % (head, self._render_contract(headers), EMPTY_END)

    def _render_refused(self, answer: Answer) -> bytes:
        head = render_head(answer.status, [])
        return head + self._render_contract(answer.headers) + render_end(answer.body)

    def _render_contract(self, headers: HeaderList) -> bytes:
        """Return all headers of the contract and the further ones."""
        values = {**_EMPTY_CONTRACT, "x-request-id": self.request_id}
        values.update(headers)
        return render_headers(list(values.items()))


class NginxReply(ContractReply):
    """Tells nginx, which knows only 2xx, 401 and 403, what the answer is in headers."""

    __slots__ = ()

    def _render_refused(self, answer: Answer) -> bytes:
        status = _UNAUTHORIZED if answer.status == _UNAUTHORIZED else _FORBIDDEN
        told = [
            ("x-auth-status", str(answer.status)),
            ("x-auth-code", answer.code),
            # nginx throws the body away; its configuration gives the client this one.
            ("x-auth-body", answer.body.decode()),
        ]
        headers = self._render_contract([*answer.headers, *told])
        return render_head(status, []) + headers + render_end(answer.body)


REPLIES: Final = {NGINX: NginxReply, ENVOY: ContractReply, TRAEFIK: ContractReply}
