"""Where a script is played: the server's doors, the account, and what only the kit can do.

Also the way to the state that a script starts from: greeting, STARTTLS, log-in, selection. It speaks just enough of
each protocol for that, in whole lines, and is no client for anything else.

Standards: RFC 5321 §4.1, RFC 4954 §4, RFC 9051 §6.2.3, RFC 9051 §6.3.2, RFC 1939 §7.
Faults:    Unready (AssertionError) when the server cannot be brought into the state; Skipped when the script needs
           what this place has not.
"""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from posthaus.testing.match import as_octets, as_text

LINE_OCTETS = 1 << 24
ANSWER_S = 20.0  # a server that says nothing for so long has failed the script


class Unready(AssertionError):
    """The state that the script starts from was not reached."""


class Skipped(Exception):
    """The script asks for something that this server or place does not have."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server and an account of it, ready for one play."""

    proto: str  # smtp, imap or pop3
    host: str
    port: int
    user: str
    password: str
    tls: str = "no"  # no, implicit, starttls
    context: ssl.SSLContext | None = None
    words: dict[str, str] = field(default_factory=dict)  # further names for `${name}`
    append: Callable[[list[bytes]], Awaitable[None]] | None = None
    deliver: Callable[[str, str, bytes], Awaitable[None]] | None = None
    wait: Callable[[float], Awaitable[None]] | None = None

    def bound(self) -> dict[str, str]:
        """What `${name}` means before the first answer."""
        localpart, _, domain = self.user.partition("@")
        own = {
            "user": self.user,
            "password": self.password,
            "localpart": localpart,
            "domain": domain,
            "bigdomain": domain.upper(),
            "plain": _base64(f"\0{self.user}\0{self.password}"),
            "user64": _base64(self.user),
            "password64": _base64(self.password),
            "userlen": str(len(as_octets(self.user))),
            "passwordlen": str(len(as_octets(self.password))),
            "kilo": "x" * 1_000,
        }
        return own | self.words


def _base64(text: str) -> str:
    return base64.b64encode(as_octets(text)).decode()


class Wire:
    """One connection, line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> str | None:
        """The next line without its CRLF; None at the end of the stream."""
        octets = await asyncio.wait_for(self.reader.readline(), ANSWER_S)
        if not octets:
            return None
        return as_text(octets[:-2] if octets.endswith(b"\r\n") else octets)

    async def say(self, text: str) -> None:
        self.writer.write(as_octets(text) + b"\r\n")
        await self.writer.drain()

    async def ask(self, text: str, code: str) -> None:
        """One command of SMTP that must be answered so."""
        await self.say(text)
        reply = await _lines(self, lambda line: line[3:4] != "-")
        if not reply[-1].startswith(code):
            raise Unready(f"{text}: wanted {code}, heard {reply[-1]}")

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        await self.writer.start_tls(context, server_hostname=host, ssl_handshake_timeout=ANSWER_S)

    def close(self) -> None:
        self.writer.close()


async def connect(place: Place) -> Wire:
    """A connection whose greeting has not been read."""
    context = place.context if place.tls == "implicit" else None
    name = "localhost" if context else None
    reader, writer = await asyncio.open_connection(
        place.host, place.port, ssl=context, server_hostname=name, limit=LINE_OCTETS
    )
    return Wire(reader, writer)


async def reach(line: Wire, place: Place, state: str, needs: tuple[str, ...]) -> None:
    """From the greeting to the state that the script wants."""
    if state == "connected":
        return
    enter = {"smtp": _smtp, "imap": _imap, "pop3": _pop3}[place.proto]
    await enter(line, place, state, needs)


async def _lines(line: Wire, end: Callable[[str], bool]) -> list[str]:
    heard: list[str] = []
    while not heard or not end(heard[-1]):
        text = await line.read()
        if text is None:
            raise Unready(f"the connection ended; heard: {heard}")
        heard.append(text)
    return heard


def _need(needs: tuple[str, ...], has: set[str]) -> None:
    for need in needs:
        if need.upper() not in has:
            raise Skipped(f"{need} is not announced")


# -- SMTP ----------------------------------------------------------------------------------------------------------


async def _smtp(line: Wire, place: Place, state: str, needs: tuple[str, ...]) -> None:
    await _smtp_reply(line, "220")
    if place.tls == "starttls":
        await line.say("EHLO client.example.test")
        await _smtp_reply(line, "250")
        await line.say("STARTTLS")
        await _smtp_reply(line, "220")
        await _handshake(line, place)
    if state == "nonauth" and not needs:
        return
    await line.say("EHLO client.example.test")
    reply = await _smtp_reply(line, "250")
    _need(needs, {word for text in reply for word in (text[4:].upper(), text[4:].upper().split(" ")[0])})
    if state == "auth":
        await line.say(f"AUTH PLAIN {place.bound()['plain']}")
        await _smtp_reply(line, "235")


async def _smtp_reply(line: Wire, code: str) -> list[str]:
    reply = await _lines(line, lambda text: text[3:4] != "-")
    if not reply[-1].startswith(code):
        raise Unready(f"wanted {code}, heard {reply[-1]}")
    return reply


async def _handshake(line: Wire, place: Place) -> None:
    if place.context is None:
        raise Skipped("no TLS at this place")
    await line.start_tls(place.context, "localhost")


# -- IMAP ----------------------------------------------------------------------------------------------------------


async def _imap(line: Wire, place: Place, state: str, needs: tuple[str, ...]) -> None:
    await _lines(line, lambda text: text.startswith("* "))
    if place.tls == "starttls":
        await _imap_command(line, "STARTTLS")
        await _handshake(line, place)
    if state in ("auth", "selected"):
        await _imap_command(line, f"LOGIN {_quoted(place.user)} {_quoted(place.password)}")
    if needs:
        heard = await _imap_command(line, "CAPABILITY")
        words = {word for text in heard if text.startswith("* CAPABILITY") for word in text.upper().split(" ")}
        _need(needs, words | {word.partition("=")[0] for word in words})
    if state == "selected":
        await _imap_command(line, "SELECT INBOX")


async def _imap_command(line: Wire, command: str) -> list[str]:
    await line.say(f"ready {command}")
    heard = await _lines(line, lambda text: text.startswith("ready "))
    if not heard[-1].startswith("ready OK"):
        raise Unready(f"{command}: {heard[-1]}")
    return heard


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- POP3 ----------------------------------------------------------------------------------------------------------


async def _pop3(line: Wire, place: Place, state: str, needs: tuple[str, ...]) -> None:
    await _pop3_answer(line)
    if place.tls == "starttls":
        await line.say("STLS")
        await _pop3_answer(line)
        await _handshake(line, place)
    if state == "auth":
        for command in (f"USER {place.user}", f"PASS {place.password}"):
            await line.say(command)
            await _pop3_answer(line)
    if needs:
        await line.say("CAPA")
        await _pop3_answer(line)
        heard = await _lines(line, lambda text: text == ".")
        _need(needs, {word for text in heard for word in (text.upper(), text.upper().split(" ")[0])})


async def _pop3_answer(line: Wire) -> None:
    (answer,) = await _lines(line, lambda text: True)
    if not answer.startswith("+OK"):
        raise Unready(f"heard {answer}")
