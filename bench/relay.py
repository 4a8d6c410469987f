"""Measure the relay: messages a second and processor time for each, into Postfix's smtp-sink on loopback.

    python bench/relay.py [--messages 3000] [--size 4000] [--recipients 1] [--no-pipelining]
                          [--links 1] [--profile]

One process sends over so many open links at once; smtp-sink is another one. The first messages are not counted. Two
figures: messages a second, which the sink limits as well, and milliseconds of our processor for one message.
"""

import argparse
import asyncio
import cProfile
import pstats
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from posthaus.base.chance import SystemChance
from posthaus.base.clock import SystemClock
from posthaus.base.log import Log
from posthaus.flow.hop import Demand, Host, NextHop
from posthaus.flow.link import Link
from posthaus.flow.relay import Relay
from posthaus.mail.address import parse_address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.net.connect import Connector
from posthaus.net.tlsclient import ClientTls
from posthaus.net.wheel import Wheel
from posthaus.store.blob import PLAIN, Octets
from posthaus.store.drivers.disk import DiskBlobs

WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Parcel:
    envelope: Envelope
    created: int = 0


@dataclass(frozen=True, slots=True)
class Errand:
    recipient: Recipient


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def make_relay() -> Relay:
    clock = SystemClock()
    wheel = Wheel(clock)
    chance = SystemChance()
    return Relay(
        hostname="client.example",
        connector=Connector(wheel, chance),
        tls=ClientTls(),
        blobs=DiskBlobs(Path("/nonexistent")),
        clock=clock,
        chance=chance,
        log=Log(clock, lambda line: None),
    )


def message(size: int) -> Octets:
    head = b"Received: from a by b; Mon, 1 Jan 2026 00:00:00 +0000\r\nFrom: a@c.example\r\nSubject: x\r\n\r\n"
    line = b"The quick brown fox jumps over the lazy dog, and then once more for good luck.\r\n"
    body = line * max(1, (size - len(head)) // len(line))
    return Octets(b"", head, body, PLAIN, "", len(head) + len(body))


async def send(link: Link, octets: Octets, recipients: int, count: int) -> None:
    sender = parse_address(b"ann@client.example", smtputf8=False)
    errands = [Errand(Recipient(parse_address(b"p%d@b.example" % n, smtputf8=False))) for n in range(recipients)]
    for _ in range(count):
        outcomes = await link.send(Parcel(Envelope(sender)), errands, octets)
        assert all(one.code == 250 for one in outcomes), outcomes


async def measure(port: int, options: argparse.Namespace) -> None:
    relay = make_relay()
    hop = NextHop("mx/b.example", "b.example", (Host("sink", ("127.0.0.1",), port, Demand.NONE),))
    links = []
    for _ in range(options.links):
        link = await relay.open(hop)
        assert isinstance(link, Link), link
        links.append(link)
    octets = message(options.size)
    each = options.messages // options.links
    await asyncio.gather(*(send(link, octets, options.recipients, WARM_UP // options.links) for link in links))
    profile = cProfile.Profile() if options.profile else None
    clock, cpu = time.perf_counter(), time.process_time()
    if profile is not None:
        profile.enable()
    await asyncio.gather(*(send(link, octets, options.recipients, each) for link in links))
    if profile is not None:
        profile.disable()
    count = each * options.links
    took, worked = time.perf_counter() - clock, time.process_time() - cpu
    print(f"{count / took:.0f} messages/s, {worked / count * 1000:.3f} ms of our processor each")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    for link in links:
        await link.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--size", type=int, default=4_000)
    parser.add_argument("--recipients", type=int, default=1)
    parser.add_argument("--links", type=int, default=1)
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/sbin")
    if program is None:
        raise SystemExit("smtp-sink of Postfix is needed")
    port = free_port()
    flags = ["-p"] if options.no_pipelining else []
    sink = subprocess.Popen([program, "-u", "nobody", *flags, f"127.0.0.1:{port}", "200"])
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(port, options))
    finally:
        sink.terminate()
        sink.wait()


if __name__ == "__main__":
    main()
