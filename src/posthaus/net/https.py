"""One request over HTTPS, where nobody is trusted more than he must be.

No redirect is followed, no cookie kept, no proxy of the environment used; a response has so many octets and so many
seconds, and comes from who has a certificate for the name that was asked for.

The name is looked up by our own resolver, and each of its public addresses is tried: whoever writes the DNS of a domain
must not have us ask hosts of our own network. httpx2 is loaded with the first request,
in a thread: it costs a fifth of a second and 20 MB.

Standards: RFC 9110, RFC 9525 (the certificate), RFC 8461 §3.3.
Faults:    HttpsFault; DnsTrouble.
"""

import asyncio
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from posthaus.base import limit
from posthaus.base.dns import Answer, Resolver
from posthaus.base.error import Trouble
from posthaus.net.own import is_public

if TYPE_CHECKING:
    import httpx2

_PORT = 443


class HttpsFault(Trouble):
    """No response that can be used. `is_certificate`: because of who answered."""

    def __init__(self, words: str, *, is_certificate: bool = False) -> None:
        super().__init__(words)
        self.is_certificate = is_certificate


@dataclass(frozen=True, slots=True)
class Response:
    code: int
    media_type: str  # lower case, without parameters
    octets: bytes


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    host: str
    port: int
    path: str
    most_octets: int
    media_type: str = ""
    octets: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        named = self.host if self.port == _PORT else f"{self.host}:{self.port}"
        told = {"Host": named, "Accept-Encoding": "identity", "User-Agent": "posthaus", "Connection": "close"}
        return {**told, "Content-Type": self.media_type} if self.media_type else told


class Https:
    """Requests of one worker; each has a connection of its own."""

    def __init__(
        self, resolver: Resolver, *, context: ssl.SSLContext | None = None, port: int = _PORT, private: bool = False
    ) -> None:
        """context: whom to trust; without it, as the system does. port: where a URL names none. private: addresses that
        are not everybody's are asked, too; a stranger writes into his DNS what he likes."""
        self._resolver = resolver
        self._context = context
        self._port = port
        self._private = private

    async def get(
        self, host: str, path: str, *, most_octets: int, timeout_s: float = limit.HTTPS_TIMEOUT_S
    ) -> Response:
        return await self._request(_Call("GET", host, self._port, path, most_octets), timeout_s)

    async def post(
        self, url: str, octets: bytes, media_type: str, *, timeout_s: float = limit.HTTPS_TIMEOUT_S
    ) -> Response:
        """To an https URL."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or self._port
        except ValueError:
            raise HttpsFault(f"{url} is no URL that we can use") from None
        if parts.scheme.lower() != "https" or not host or not host.isascii():
            raise HttpsFault(f"{url} is no URL that we can use")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        call = _Call("POST", host, port, path, limit.HTTPS_REPLY_OCTETS, media_type, octets)
        return await self._request(call, timeout_s)

    async def _request(self, call: _Call, timeout_s: float) -> Response:
        try:
            async with asyncio.timeout(timeout_s):
                if self._context is None:
                    self._context = await asyncio.to_thread(ssl.create_default_context)
                await asyncio.to_thread(_load)
                fault = HttpsFault(f"{call.host} has no address")
                for address in await self._addresses(call.host):
                    try:
                        return await _ask(call, address, self._context)
                    except HttpsFault as one:
                        fault = one
                raise fault
        except TimeoutError:
            raise HttpsFault(f"{call.host} did not answer in time") from None

    async def _addresses(self, host: str) -> list[str]:
        """IPv4 first: it is one request, not worth a race."""
        found = await asyncio.gather(self._resolver.a(host), self._resolver.aaaa(host), return_exceptions=True)
        addresses: list[str] = []
        trouble: BaseException | None = None
        for one in found:
            if isinstance(one, Answer):
                addresses += one.records
            else:
                trouble = one
        if not addresses and trouble is not None:
            raise trouble
        allowed = [one for one in addresses if self._private or is_public(one)]
        if addresses and not allowed:
            raise HttpsFault(f"{host} has private addresses only")
        return allowed[: limit.HTTPS_ADDRESSES]


async def _ask(call: _Call, address: str, context: ssl.SSLContext) -> Response:
    import httpx2

    at = f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    client = httpx2.AsyncClient(verify=context, trust_env=False, follow_redirects=False, timeout=None)
    try:
        async with (
            client,
            client.stream(
                call.method,
                f"https://{at}:{call.port}{call.path}",
                headers=call.headers,
                content=call.octets or None,
                extensions={"sni_hostname": call.host},
            ) as response,
        ):
            return await _read(response, call.most_octets)
    except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
        words = f"{call.host}: {str(fault) or type(fault).__name__}"
        raise HttpsFault(words, is_certificate=_is_certificate(fault)) from None


async def _read(response: "httpx2.Response", most_octets: int) -> Response:
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    found = bytearray()
    async for piece in response.aiter_raw():
        found += piece
        if len(found) > most_octets:
            raise HttpsFault(f"it sends more than {most_octets} octets")
    return Response(response.status_code, media_type, bytes(found))


def _is_certificate(fault: BaseException) -> bool:
    """Whether the certificate is what was wrong, somewhere in the chain of causes."""
    one: BaseException | None = fault
    while one is not None:
        if isinstance(one, ssl.SSLCertVerificationError):
            return True
        one = one.__cause__ or one.__context__
    return False


def _load() -> None:
    import httpx2  # noqa: F401  (the first import takes a while)
