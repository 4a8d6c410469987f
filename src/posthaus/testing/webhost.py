"""A web host inside your test: a few pages over HTTPS, with the certificate that the test gives it.

    async with webhost(context, {"/.well-known/mta-sts.txt": Page(b"version: STSv1\\r\\n...")}) as web:
        ... web.port ...            web.requests: what was asked for

Standards: RFC 9112, as far as a GET and a POST need it.
Faults:    none of its own.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes = b""
    media_type: str = "text/plain"
    code: int = 200
    headers: tuple[str, ...] = ()
    is_silent: bool = False  # nothing is ever answered


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(slots=True)
class Webhost:
    pages: dict[str, Page]  # may be changed while it runs; what is not in it is 404
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            self.requests.append(request)
            page = self.pages.get(request.path, Page(b"no such page", code=404))
            if page.is_silent:
                await reader.read()
                return
            lines = [
                f"HTTP/1.1 {page.code} x",
                f"Content-Type: {page.media_type}",
                f"Content-Length: {len(page.body)}",
                "Connection: close",
                *page.headers,
            ]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + page.body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Request(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def webhost(context: ssl.SSLContext, pages: dict[str, Page]) -> AsyncIterator[Webhost]:
    """The server in this loop."""
    here = Webhost(pages)
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(here.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, HOST, 0, ssl=context)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await server.wait_closed()
