"""One DNS message in, one out. Only what a proxy needs to dial is answered: A and AAAA of public names.

Source: RFC 1035 §4; RFC 8914 (why an answer is empty); docs/architecture/gateway.md §9.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from apps.gateway.resolver.lookups import PAYLOAD_BYTES
from apps.gateway.resolver.vetting import Outcome, Verdict

if TYPE_CHECKING:
    from collections import Counter

    from apps.gateway.resolver.names import Names

logger = logging.getLogger(__name__)

# Asked in class CHAOS for TXT, it tells that the resolver lives, and its counts.
STATUS_NAME: Final = dns.name.from_text("status.tollgate.")
MIN_DATAGRAM_BYTES: Final = 512
_RCODES: Final = {
    Outcome.PUBLIC: dns.rcode.NOERROR,
    # Not NXDOMAIN: the name exists, and what lies below it may be public.
    Outcome.REFUSED: dns.rcode.NOERROR,
    Outcome.NO_ADDRESS: dns.rcode.NOERROR,
    Outcome.NO_NAME: dns.rcode.NXDOMAIN,
    Outcome.FAILED: dns.rcode.SERVFAIL,
}


class Answers:
    """Answers messages."""

    def __init__(self, names: Names, counts: Counter[str]) -> None:
        """Count messages: `answered`, and those that get none as `malformed`."""
        self._names = names
        self._counts = counts

    async def respond(self, wire: bytes, *, is_datagram: bool) -> bytes | None:
        """Return the response; None to what is no question, which gets no answer at all."""
        query = self._read(wire)
        if query is None:
            self._counts["malformed"] += 1
            return None
        response = await self._answer(query)
        self._counts["answered"] += 1
        size = max(MIN_DATAGRAM_BYTES, min(query.payload, PAYLOAD_BYTES)) if is_datagram else 0
        return response.to_wire(max_size=size, prefer_truncation=is_datagram)

    def _read(self, wire: bytes) -> dns.message.Message | None:
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        except Exception:  # what a parser trips over must not end the service
            logger.exception("resolver: unreadable message")
            return None
        # To answer an answer would be the beginning of a loop.
        return None if query.flags & dns.flags.QR else query

    async def _answer(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(
            query, recursion_available=True, our_payload=PAYLOAD_BYTES
        )
        if query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
            return response
        if len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
            return response
        question = query.question[0]
        if question.rdclass == dns.rdataclass.CH and question.name == STATUS_NAME:
            response.answer.append(self._status())
        elif question.rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
        elif question.rdtype not in {dns.rdatatype.A, dns.rdatatype.AAAA}:
            response.set_rcode(dns.rcode.NOTIMP)
        else:
            verdict, ttl_s = await self._names.find(question.name)
            _fill(response, question, verdict, ttl_s)
        return response

    def _status(self) -> dns.rrset.RRset:
        texts = [f'"{name}={count}"' for name, count in sorted(self._counts.items())]
        return dns.rrset.from_text(
            STATUS_NAME,
            0,
            dns.rdataclass.CH,
            dns.rdatatype.TXT,
            " ".join(texts or ['"answered=0"']),
        )


def _fill(
    response: dns.message.Message, question: dns.rrset.RRset, verdict: Verdict, ttl_s: int
) -> None:
    is_v4 = question.rdtype == dns.rdatatype.A
    response.set_rcode(_RCODES[verdict.outcome])
    if verdict.lacks_v4 if is_v4 else verdict.lacks_v6:
        response.set_rcode(dns.rcode.SERVFAIL)
    addresses = verdict.v4 if is_v4 else verdict.v6
    if addresses:
        # The addresses stand under the name that was asked for; aliases are our business.
        response.answer.append(
            dns.rrset.from_text_list(
                question.name, ttl_s, question.rdclass, question.rdtype, addresses
            )
        )
    if verdict.outcome is Outcome.REFUSED and response.edns >= 0:
        blocked = dns.edns.EDEOption(dns.edns.EDECode.BLOCKED, "not a public address")
        response.use_edns(0, payload=PAYLOAD_BYTES, options=[blocked])
