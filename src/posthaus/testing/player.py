"""The player: carries a script to a server and judges what comes back.

Five ways: lines whole; octet by octet; all lines of the client in one piece; over TLS; against any other server.
The ways differ in how octets reach the server, never in what is expected.

Standards: none; scripts cite their own.
Faults:    Mismatch and Unready (AssertionError) tell what went wrong, Skipped what the place has not.
"""

import argparse
import asyncio
import re
import ssl
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from posthaus.testing.match import as_octets, as_text, fill
from posthaus.testing.place import Place, Skipped, Unready, Wire, connect, reach
from posthaus.testing.script import Expectation, Kind, Mismatch, Script, Step, parse_script

_SENT = (Kind.SEND, Kind.OCTETS)
_SMALL_OCTETS = 4_096  # what is larger goes out in pieces of a prime size instead of single octets
_PIECE_OCTETS = 7


class Client:
    """One of the script's clients: its connection and what it may hear."""

    def __init__(self, place: Place, script: Script, bound: dict[str, str], way: str) -> None:
        self.place = place
        self.script = script
        self.way = way
        self.expectation = Expectation(bound)
        self.wire: Wire | None = None

    async def open(self) -> None:
        self.wire = await connect(self.place)
        await reach(self.wire, self.place, self.script.state, self.script.needs)

    def close(self) -> None:
        if self.wire is not None:
            self.wire.close()
            self.wire = None

    @property
    def open_wire(self) -> Wire:
        if self.wire is None:
            raise Mismatch("the script speaks on a closed connection")
        return self.wire

    async def send(self, octets: bytes) -> None:
        wire = self.open_wire
        for piece in _pieces(octets, self.way):
            wire.writer.write(piece)
            await wire.writer.drain()
            if self.way == "octets":
                await asyncio.sleep(0)  # lets a server on this loop read what there is
        self.expectation.heard.append(f">> {as_text(octets[:200])!r}")

    async def expect(self) -> None:
        """Read until all that must come has come."""
        wire = self.open_wire
        while not self.expectation.met:
            try:
                text = await wire.read()
            except TimeoutError:
                raise Mismatch(self.expectation.missed("nothing came")) from None
            if text is None:
                raise Mismatch(self.expectation.missed("the connection ended"))
            self.expectation.hear(text)

    async def end(self) -> None:
        """Nothing more, but what may come, and the end of the stream."""
        try:
            while (text := await self.open_wire.read()) is not None:
                self.expectation.hear(text)
        except (ConnectionError, ssl.SSLError):
            return
        except TimeoutError:
            raise Mismatch("the server keeps the connection open") from None


def _pieces(octets: bytes, way: str) -> Iterator[bytes]:
    if way != "octets":
        yield octets
        return
    size = 1 if len(octets) <= _SMALL_OCTETS else _PIECE_OCTETS
    for at in range(0, len(octets), size):
        yield octets[at : at + size]


async def play(script: Script, place: Place, way: str = "whole", *, mail: Path | None = None) -> None:
    """Play the script once; returns where all went as it is written."""
    if not script.can(way):
        raise Skipped(f"cannot be played {way}")
    if script.mail is not None:
        await _append(script.mail, place, mail)
    bound = place.bound()
    clients = [Client(place, script, bound, way) for _ in range(script.clients)]
    try:
        for client in clients:
            await client.open()
        if way == "piece":
            await clients[0].send(b"".join(_octets(s, bound) for s in script.steps if s.kind in _SENT))
        await _steps(script, clients, place, way, mail)
    finally:
        for client in clients:
            client.close()


async def _steps(script: Script, clients: list[Client], place: Place, way: str, mail: Path | None) -> None:
    at = 0
    while at < len(script.steps):
        step = script.steps[at]
        client = clients[step.client - 1]
        try:
            if step.kind in (Kind.ANY_ORDER, Kind.MAY):
                at = await _block(script.steps, at, client)
                continue
            if step.kind is Kind.LINE:
                client.expectation.want(step)
                await client.expect()
            elif step.kind in _SENT:
                if way != "piece":
                    await client.send(_octets(step, client.expectation.bound))
            else:
                await _act(step, client, place, mail)
        except (Mismatch, ConnectionError, ssl.SSLError) as fault:
            raise Mismatch(f"line {step.number} ({step.kind.value} {step.text}): {fault}") from None
        at += 1


async def _block(steps: tuple[Step, ...], at: int, client: Client) -> int:
    """Neighbours of `S~` and `S?`: the first must come in any order, the second may come among and after them."""
    start, number = at, steps[at].client
    while at < len(steps) and steps[at].client == number and steps[at].kind in (Kind.ANY_ORDER, Kind.MAY):
        at += 1
    block = steps[start:at]
    client.expectation.may.extend(step for step in block if step.kind is Kind.MAY)
    client.expectation.want(*(step for step in block if step.kind is Kind.ANY_ORDER))
    await client.expect()
    return at


async def _act(step: Step, client: Client, place: Place, mail: Path | None) -> None:
    match step.kind:
        case Kind.NEVER:
            client.expectation.never.append(step)
        case Kind.TLS:
            if place.context is None:
                raise Skipped("no TLS at this place")
            await client.open_wire.start_tls(place.context, "localhost")
        case Kind.CLOSE:
            client.close()
        case Kind.OPEN:
            client.close()
            await client.open()
        case Kind.EOF:
            await client.end()
        case Kind.WAIT:
            if place.wait is None:
                raise Skipped("only our own server has a clock that jumps")
            await place.wait(step.seconds)
        case _:
            if place.deliver is None:
                raise Skipped("nothing can be delivered behind the client's back here")
            reverse_path, forward_path, name = (fill(word, client.expectation.bound) for word in step.words)
            for octets in read_mail(name, mail):
                await place.deliver(reverse_path, forward_path, octets)


def _octets(step: Step, bound: dict[str, str]) -> bytes:
    octets = as_octets(fill(step.text, bound))
    return octets + b"\r\n" if step.kind is Kind.SEND else octets


async def _append(name: str, place: Place, mail: Path | None) -> None:
    if place.append is None:
        raise Skipped("no mail can be appended at this place")
    await place.append(read_mail(name, mail))


def read_mail(name: str, folder: Path | None) -> list[bytes]:
    """The messages of an .eml file or of an mbox, with CRLF at the end of every line."""
    octets = ((folder or Path()) / name).read_bytes()
    octets = re.sub(rb"\r?\n", b"\r\n", octets)
    if not name.endswith(".mbox"):
        return [octets]
    messages = re.split(rb"(?:\A|(?<=\r\n))From [^\r\n]*\r\n", octets)[1:]
    return [re.sub(rb"(?m)^>(>*From )", rb"\1", _without_separator(message)) for message in messages]


def _without_separator(message: bytes) -> bytes:
    """An empty line stands before the next `From `, and may stand at the end of the file."""
    return message[:-2] if message.endswith(b"\r\n\r\n") else message


# -- the command line ----------------------------------------------------------------------------------------------


async def _append_by_imap(place: Place, messages: list[bytes]) -> None:
    wire = await connect(place)
    await reach(wire, place, "auth", ())
    for octets in messages:
        await wire.say(f"append APPEND INBOX {{{len(octets)}}}")
        await wire.read()
        wire.writer.write(octets + b"\r\n")
        while not (answer := await wire.read() or "append NO the connection ended").startswith("append "):
            pass
        if not answer.startswith("append OK"):
            raise Unready(answer)
    wire.close()


def _place(options: argparse.Namespace, number: int) -> Place:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    user = options.user.replace("{}", str(number))
    place = Place(options.proto, options.host, options.port, user, options.password, options.tls, context)
    place = replace(place, words=dict(word.split("=", 1) for word in options.word))
    if not options.imap_port:
        return place
    imap = Place("imap", options.host, options.imap_port, user, options.password, "no", context)
    return replace(place, append=lambda messages: _append_by_imap(imap, messages))


def main() -> int:
    """python -m posthaus.testing.script FILE... --host HOST --port PORT --proto imap"""
    parser = argparse.ArgumentParser(
        prog="posthaus.testing.script", description="Play dialogue scripts against a server."
    )
    parser.add_argument("file", nargs="+", type=Path)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--proto", choices=("smtp", "imap", "pop3"), required=True)
    parser.add_argument("--user", default="alice@example.test", help="{} in it is the number of the script")
    parser.add_argument("--first", type=int, default=1, help="number of the first script")
    parser.add_argument("--password", default="alice")
    parser.add_argument("--word", action="append", default=[], metavar="NAME=TEXT", help="a further ${NAME}")
    parser.add_argument("--tls", choices=("no", "implicit", "starttls"), default="no")
    parser.add_argument("--way", choices=("whole", "octets", "piece"), default="whole")
    parser.add_argument("--imap-port", type=int, help="append a script's mail there (clear IMAP)")
    parser.add_argument("--mail", type=Path, help="folder of the mail that scripts name")
    options = parser.parse_args()
    failed = 0
    for number, file in enumerate(options.file, options.first):
        word, why = _one(file, _place(options, number), options)
        print(f"{word}\t{file}" + (f"\n{why}" if why else ""))
        failed += word == "FAILED"
    return 1 if failed else 0


def _one(file: Path, place: Place, options: argparse.Namespace) -> tuple[str, str]:
    try:
        script = parse_script(file.read_text())
        asyncio.run(play(script, place, options.way, mail=options.mail or file.parent.parent / "mail"))
    except Skipped as why:
        return "skipped", str(why)
    except (AssertionError, LookupError, ValueError, OSError) as fault:
        return "FAILED", f"{type(fault).__name__}: {fault}"
    return "passed", ""


if __name__ == "__main__":
    sys.exit(main())
