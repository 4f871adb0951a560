"""A name server of the tests: it answers what it is told, can change its mind, and counts."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from deploy.local.ports import LOOPBACK


class NameServer:
    """Records by name; a name without any does not exist."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.port = int(self.socket.getsockname()[1])
        self.records: dict[str, list[str]] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.ttl_s = 0
        self.asked: Counter[str] = Counter()

    @property
    def text(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def set(self, name: str, *records: str) -> None:
        """Let a name have these addresses, or be an alias: `CNAME other.example.com`, or say `TXT words`."""
        self.records[name] = list(records)

    def serve(self) -> None:
        while True:
            data, peer = self.socket.recvfrom(4096)
            if not data:
                return
            answer = self.answer(data)
            if answer is not None:
                self.socket.sendto(answer, peer)

    def answer(self, data: bytes) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked[name] += 1
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not self._fill(response, name, question.rdtype):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    def _fill(
        self, response: dns.message.Message, name: str, rdtype: dns.rdatatype.RdataType
    ) -> bool:
        """Add a name's records, and those at the end of its aliases; tell whether it exists."""
        records = self.records.get(name)
        if records is None:
            return False
        owner = dns.name.from_text(name)
        for record in records:
            if record.startswith("CNAME "):
                target = record.removeprefix("CNAME ")
                response.answer.append(
                    dns.rrset.from_text(owner, self.ttl_s, "IN", "CNAME", f"{target}.")
                )
                return self._fill(response, target, rdtype)
        if rdtype == dns.rdatatype.TXT:
            texts = [f'"{text[4:]}"' for text in records if text.startswith("TXT ")]
            if texts:
                rrset = dns.rrset.from_text_list(owner, self.ttl_s, "IN", "TXT", texts)
                response.answer.append(rrset)
            return True
        family = "AAAA" if rdtype == dns.rdatatype.AAAA else "A"
        fitting = [record for record in records if (":" in record) == (family == "AAAA")]
        if fitting:
            response.answer.append(
                dns.rrset.from_text_list(owner, self.ttl_s, "IN", family, fitting)
            )
        return True


@contextmanager
def serve_names() -> Iterator[NameServer]:
    """Run a name server."""
    server = NameServer()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # An empty datagram ends it: a blocked recvfrom does not notice that its socket is closed.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (LOOPBACK, server.port))
        thread.join()
        server.socket.close()
