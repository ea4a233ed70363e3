"""The laboratory's name server: right addresses, none, an error, silence, or late, by name."""

import asyncio
from collections.abc import Mapping
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

SILENT, NXDOMAIN, SERVFAIL, EMPTY = "silent", "NXDOMAIN", "SERVFAIL", "no address"


class Names(asyncio.DatagramProtocol):
    """Answers questions by UDP. `known` gives each name its addresses or one of the words above; `*` is any other."""

    def __init__(self, known: Mapping[str, tuple[str, ...] | str], delay: float = 0.0) -> None:
        self.known = known
        self.delay = delay
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if (answer := self._answer(question, name)) is not None:
            asyncio.get_running_loop().call_later(self.delay, self._send, answer.to_wire(), addr)

    def _send(self, wire: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)

    def _answer(self, question: dns.message.Message, name: str) -> dns.message.Message | None:
        known = self.known.get(name, self.known.get("*", NXDOMAIN))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        match known:
            case "silent":
                return None
            case "NXDOMAIN":
                answer.set_rcode(dns.rcode.NXDOMAIN)
            case "SERVFAIL":
                answer.set_rcode(dns.rcode.SERVFAIL)
            case "no address":
                pass
            case tuple():
                kind = question.question[0].rdtype
                fitting = [one for one in known if (":" in one) == (kind == dns.rdatatype.AAAA)]
                if fitting and kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    name_ = question.question[0].name
                    answer.answer.append(dns.rrset.from_text(name_, 60, dns.rdataclass.IN, kind, *fitting))
        return answer
