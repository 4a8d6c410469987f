"""Keys and messages of the RFCs, and a resolver that answers from a dictionary."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from posthaus.base.dns import Answer, DnsTrouble, Mx, Tlsa
from posthaus.check.keyrecord import record_name, render_key_record
from posthaus.check.signingkey import SigningKey

# RFC 8463 §A.2: both private keys of the appendix.
ED25519_SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
ED25519_RECORD = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA_PEM = b"""-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
"""
RSA_RECORD = (
    b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
    b"Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kr"
    b"yOTIKT+l/K4w3QIDAQAB"
)

MESSAGE = b"""From: Joe SixPack <joe@football.example.com>\r
To: Suzie Q <suzie@shopping.example.net>\r
Subject: Is dinner ready?\r
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r
\r
Hi.\r
\r
We lost the game.  Are you hungry yet?\r
\r
Joe.\r
"""


def rsa_key(domain: str = "football.example.com", selector: str = "test") -> SigningKey:
    private = load_pem_private_key(RSA_PEM, None)
    assert isinstance(private, RSAPrivateKey)
    return SigningKey(domain, selector, private)


def ed25519_key(domain: str = "football.example.com", selector: str = "brisbane") -> SigningKey:
    return SigningKey(domain, selector, Ed25519PrivateKey.from_private_bytes(ED25519_SEED))


def records(*keys: SigningKey) -> dict[str, list[bytes]]:
    return {record_name(key.selector, key.domain): [render_key_record(key.public).encode()] for key in keys}


def dkimpy_dns(names: Mapping[str, Sequence[bytes]]) -> object:
    """What dkimpy wants instead of DNS."""

    def txt(name: bytes | str, timeout: int = 5) -> bytes | None:
        text = name.decode() if isinstance(name, bytes) else name
        return next(iter(names.get(text.rstrip("."), ())), None)

    return txt


@dataclass(slots=True)
class Zone:
    """A Resolver; a name with None has trouble, one that is missing does not exist."""

    names: dict[tuple[str, str], Sequence[object] | None] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of_txt(cls, names: Mapping[str, Sequence[bytes] | None]) -> "Zone":
        return cls({(name, "TXT"): found for name, found in names.items()})

    def _find(self, name: str, kind: str) -> tuple[Sequence[object], bool]:
        self.asked.append((name, kind))
        found = self.names.get((name.lower(), kind), ())
        if found is None:
            raise DnsTrouble(name)
        return found, any(known == name.lower() for known, _ in self.names)

    async def txt(self, name: str) -> Answer[bytes]:
        found, exists = self._find(name, "TXT")
        return Answer([one for one in found if isinstance(one, bytes)], exists=exists)

    async def mx(self, name: str) -> Answer[Mx]:
        found, exists = self._find(name, "MX")
        return Answer([one for one in found if isinstance(one, Mx)], exists=exists)

    async def _text(self, name: str, kind: str) -> Answer[str]:
        found, exists = self._find(name, kind)
        return Answer([one for one in found if isinstance(one, str)], exists=exists)

    async def a(self, name: str) -> Answer[str]:
        return await self._text(name, "A")

    async def aaaa(self, name: str) -> Answer[str]:
        return await self._text(name, "AAAA")

    async def ptr(self, address: str) -> Answer[str]:
        return await self._text(address, "PTR")

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        return Answer([])
