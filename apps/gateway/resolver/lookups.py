"""Asks name servers for the addresses of a name, following aliases to their end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from apps.gateway.resolver.config import RESOLV_CONF, Server, system_servers
from apps.gateway.resolver.vetting import MAX_TTL_S, Found

if TYPE_CHECKING:
    from pathlib import Path

PAYLOAD_BYTES: Final = 1232
TRY_S: Final = 1.5
# Caddy gives up connecting after five seconds, names included.
LOOKUP_S: Final = 4.0
ROUNDS: Final = 2
# Servers send the whole chain of aliases in one answer; one that does not is asked on.
MAX_CHAINS: Final = 4


class LookupFailedError(Exception):
    """No name server gave a usable answer."""


class NameServers:
    """The servers that are asked, in order: those given, else those of this machine."""

    def __init__(
        self, given: tuple[Server, ...], bind: Server, resolv_conf: Path = RESOLV_CONF
    ) -> None:
        """Never ask `bind`: that is the resolver itself."""
        self._given = given
        self._bind = bind
        self._resolv_conf = resolv_conf
        self._changed_at = -1
        self._system: tuple[Server, ...] = ()

    def current(self) -> tuple[Server, ...]:
        """Return the servers, as they are now."""
        if self._given:
            return self._given
        with contextlib.suppress(OSError):
            changed_at = self._resolv_conf.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._system = system_servers(self._bind, self._resolv_conf)
                self._changed_at = changed_at
        return self._system

    async def ask(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Found:
        """Return the addresses of one family; `Found.exists` is None when nobody could tell."""
        try:
            async with asyncio.timeout(LOOKUP_S):
                return await self._follow(name, rdtype)
        except (TimeoutError, LookupFailedError):
            return Found()

    async def _follow(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Found:
        ttl_s = MAX_TTL_S
        for _ in range(MAX_CHAINS):
            response = await self._ask_servers(name, rdtype)
            try:
                chain = response.resolve_chaining()
            except dns.exception.DNSException as error:
                raise LookupFailedError from error
            ttl_s = min(ttl_s, chain.minimum_ttl)
            if chain.answer is not None:
                return Found(tuple(rdata.address for rdata in chain.answer), ttl_s, exists=True)
            has_name = response.rcode() == dns.rcode.NOERROR
            if not has_name or chain.canonical_name == name:
                return Found((), ttl_s, exists=has_name)
            name = chain.canonical_name
        raise LookupFailedError

    async def _ask_servers(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.QueryMessage:
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=PAYLOAD_BYTES)
        ends_at = time.monotonic() + LOOKUP_S
        for server in self.current() * ROUNDS:
            left = min(TRY_S, ends_at - time.monotonic())
            try:
                response, _ = await dns.asyncquery.udp_with_fallback(
                    query, server.host, timeout=left, port=server.port, ignore_unexpected=True
                )
            except (dns.exception.DNSException, OSError, EOFError):
                continue
            is_usable = response.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
            if is_usable and isinstance(response, dns.message.QueryMessage):
                return response
        raise LookupFailedError
