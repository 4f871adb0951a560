"""Asks the resolver what it thinks of a name, and how it is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import dns.asyncquery
import dns.edns
import dns.exception
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from apps.gateway.resolver.answers import STATUS_NAME
from apps.gateway.resolver.lookups import LOOKUP_S, PAYLOAD_BYTES

if TYPE_CHECKING:
    from apps.gateway.resolver.config import Server

STATUS_S: Final = 1.0
_SLACK_S: Final = 1.0


class Opinion(StrEnum):
    """What the resolver thinks of a name."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    # The name does not resolve, or nobody could say.
    UNKNOWN = "unknown"


class ResolverClient:
    """Talks to one resolver."""

    def __init__(self, server: Server) -> None:
        """Name the resolver."""
        self._server = server

    async def ask(self, host: str) -> Opinion:
        """Return the opinion about a name."""
        try:
            query = dns.message.make_query(host, dns.rdatatype.A, use_edns=0, payload=PAYLOAD_BYTES)
            response = await self._send(query, LOOKUP_S + _SLACK_S)
        except (dns.exception.DNSException, OSError):
            return Opinion.UNKNOWN
        if response.rcode() != dns.rcode.NOERROR:
            return Opinion.UNKNOWN
        is_refused = any(
            isinstance(option, dns.edns.EDEOption) and option.code == dns.edns.EDECode.BLOCKED
            for option in response.options
        )
        return Opinion.REFUSED if is_refused else Opinion.ALLOWED

    async def status(self) -> dict[str, int] | None:
        """Return the resolver's counts; None when it does not answer."""
        query = dns.message.make_query(STATUS_NAME, dns.rdatatype.TXT, dns.rdataclass.CH)
        try:
            response = await self._send(query, STATUS_S)
        except (dns.exception.DNSException, OSError):
            return None
        texts = [
            text.decode() for row in response.answer for rdata in row for text in rdata.strings
        ]
        pairs = (text.partition("=") for text in texts)
        return {name: int(count) for name, _, count in pairs if count.isdigit()}

    async def _send(self, query: dns.message.Message, timeout_s: float) -> dns.message.Message:
        return await dns.asyncquery.udp(
            query, self._server.host, timeout=timeout_s, port=self._server.port
        )
