"""Measure sending beside Postfix: mail for foreign recipients, taken and delivered to one sink on loopback.

    python bench/send.py [--messages 3000] [--size 4000] [--connections 10] [--reps 2] [--keep-connections]

smtp-source hands the messages in over so many connections at a time, smtp-sink takes what is sent on; both come with
Postfix. A rate is messages from the first that is handed in to the last that has come to the sink, by the sink's own
count. Ours runs as `posthaus serve` does, with its usual durability; Postfix with its own, from the system's package
(root is needed to start it), its queue emptied by a smart host as ours is. Servers take turns.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from posthaus.testing.postfix import free_port, lay_out, running
from posthaus.testing.process import ServerProcess, posthaus

SINK_WAIT_S = 120.0
ENOUGH = 1_000_000_000  # messages, of one client

MAIN = """
mynetworks = 127.0.0.0/8
mydestination =
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{sink}
"""


class Sink:
    """smtp-sink, and how many messages it has taken."""

    def __init__(self) -> None:
        self.port = free_port()
        command = ["smtp-sink", "-c", "-u", "nobody", f"127.0.0.1:{self.port}", "1000"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)

    def wait(self, messages: int) -> float:
        """Until so many have come; when that was."""
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        deadline, said = time.monotonic() + SINK_WAIT_S, b""
        while time.monotonic() < deadline:
            said = (said + (self._process.stdout.read(65_536) or b""))[-200:]
            counts = re.findall(rb"mesg=(\d+)", said)
            if counts and int(counts[-1]) >= messages:
                return time.monotonic()
            time.sleep(0.002)
        raise SystemExit(f"the sink has not got all messages: {said[-100:]!r}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Ours:
    label = "posthaus"

    def __init__(self, scratch: Path, sink: int) -> None:
        self._server = ServerProcess(scratch / "house", {}, domain="bench.test", workers=os.cpu_count() or 1)
        settings = scratch / "house" / "posthaus.toml"
        text = settings.read_text()
        wanted = {"networks": '["127.0.0.0/8"]', "networks_per_hour": ENOUGH, "networks_per_day": ENOUGH}
        for name, value in wanted.items():
            text, found = re.subn(rf"(?m)^#? ?{name} = .*$", f"{name} = {value}", text)
            assert found == 1, name
        settings.write_text(text)
        folder = str(scratch / "house")
        posthaus("-C", folder, "smarthost", "add", "sink", "127.0.0.1", "--port", str(sink), "--tls", "none")
        self._server.start()
        self.port = self._server.port(587)

    def close(self) -> None:
        self._server.stop()


class Postfix:
    label = "postfix"

    def __init__(self, scratch: Path, sink: int) -> None:
        folder = scratch / "postfix"
        folder.mkdir()
        self.port = free_port()
        lay_out(folder, "mail.bench.test", self.port, MAIN.format(sink=sink))
        self._running = ExitStack()
        self._running.enter_context(running(folder, self.port))

    def close(self) -> None:
        self._running.close()


def measure(kind: Callable[[Path, int], "Ours | Postfix"], a: argparse.Namespace) -> tuple[str, float, float]:
    """(who, messages taken a second, messages that came to the sink a second)."""
    scratch = Path(tempfile.mkdtemp(prefix="posthaus-send-"))
    scratch.chmod(0o755)
    sink = Sink()
    server = kind(scratch, sink.port)
    try:
        command = ["smtp-source", "-s", str(a.connections), "-m", str(a.messages), "-l", str(a.size)]
        command += ["-f", "anna@bench.test", "-t", "ben@elsewhere.test", *(["-d"] if a.keep_connections else [])]
        begun = time.monotonic()
        subprocess.run([*command, f"127.0.0.1:{server.port}"], check=True)
        taken = time.monotonic()
        come = sink.wait(a.messages)
        return server.label, a.messages / (taken - begun), a.messages / (come - begun)
    finally:
        server.close()
        sink.close()
        shutil.rmtree(scratch, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--size", type=int, default=4_000)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--reps", type=int, default=2)
    parser.add_argument("--keep-connections", action="store_true", help="many messages over each (smtp-source -d)")
    a = parser.parse_args()
    rates: dict[str, list[tuple[float, float]]] = {}
    for _ in range(a.reps):
        for kind in (Postfix, Ours):
            label, taken, come = measure(kind, a)
            rates.setdefault(label, []).append((taken, come))
            print(f"{label}: {taken:.0f} taken/s, {come:.0f} delivered/s", flush=True)
    ours, theirs = (median(come for _, come in rates[label]) for label in ("posthaus", "postfix"))
    print(f"times Postfix, from the first handed in to the last delivered: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
