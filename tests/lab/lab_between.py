"""What stands between the client and the internet: an inspector of TLS, and a proxy that is asked by CONNECT."""

import asyncio
import contextlib
import ssl
from functools import cache

from lab_certificates import Authority, identity
from lab_internet import SAYS
from lab_world import ADDRESSES, API


class Inspector:
    """Ends TLS with a certificate of its own for whatever host is asked for, and begins it anew to the real one."""

    def __init__(self, by: Authority, public: Authority, blocked: bool = False) -> None:
        self._by = by
        self._blocked = blocked
        """A page stands in the way of the API."""
        self._out = ssl.create_default_context(cadata=public.pem.decode())
        self.context = identity(by, "unnamed.example").context()
        self.context.sni_callback = self._named  # type: ignore[assignment]
        self._asked: dict[int, str] = {}
        self._shown = cache(lambda host: identity(self._by, host).context())

    def _named(self, connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._shown(host or "unnamed.example")
        self._asked[id(connection)] = host or ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection whose TLS with the client stands."""
        host = self._asked.pop(id(writer.get_extra_info("ssl_object")), "")
        try:
            if self._blocked and host == API:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(SAYS["blocked page"](b"") or b"")
                await writer.drain()
                return
            away = await asyncio.open_connection(ADDRESSES[host][0], 443, ssl=self._out, server_hostname=host)
            await both(reader, writer, *away)
        except (OSError, EOFError, KeyError):
            pass
        finally:
            writer.close()


async def both(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Everything from each side to the other, until one of them ends."""

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()

    ways = [asyncio.create_task(copy(reader, far_writer)), asyncio.create_task(copy(far_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        far_writer.close()


class Proxy:
    """A proxy: `open`, `refuses` (403), `silent`, or `unknown` (it inspects with a root that nobody knows)."""

    def __init__(self, manner: str, inspector: Inspector) -> None:
        self._manner = manner
        self._inspector = inspector

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if self._manner == "silent":
                await reader.read()
                return
            if self._manner == "refuses" or not head.startswith(b"CONNECT "):
                writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
                return
            host = head.split()[1].decode().rpartition(":")[0]
            if self._manner == "unknown":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self._inspector.context)
                await self._inspector.serve(reader, writer)
                return
            far = await asyncio.open_connection(ADDRESSES[host][0], 443)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await both(reader, writer, *far)
        except (OSError, EOFError, KeyError, IndexError):
            pass
        finally:
            writer.close()
