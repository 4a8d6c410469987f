"""Measure finding and ordering beside Dovecot: SEARCH, SORT and THREAD in one mailbox of many messages.

    python bench/find.py --scripts DIR [--peers maildir sdbox] [--messages 10000] [--rounds 7]

DIR holds the measuring scripts, as for bench/run.py. All servers are given the same messages by APPEND; nothing is
asked before our index of texts is complete, and Dovecot has none. "first" is the first time that a server sees a
command for this mailbox, "warm" the median of the rounds after it, servers taking turns. What is found and the order of
SORT must be the same for all, or it is told.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from run import OURS, peer_environment, start_ours

from posthaus.testing.process import ServerProcess

BOX = b"find"
RARE = b"xylographer"  # of one message in 500
COMMANDS = {
    "SEARCH TEXT, a rare word": b"SEARCH TEXT " + RARE,
    "SEARCH TEXT, no such word": b"SEARCH TEXT xylophonist",
    "SEARCH BODY, a rare word": b"SEARCH BODY " + RARE,
    "SEARCH SUBJECT": b"SEARCH SUBJECT quarterly",
    "SEARCH FROM": b"SEARCH FROM p17@",
    "SEARCH UNSEEN": b"SEARCH UNSEEN",
    "SORT (DATE)": b"SORT (DATE) UTF-8 ALL",
    "SORT (REVERSE DATE), unseen": b"SORT (REVERSE DATE) UTF-8 UNSEEN",
    "SORT (ARRIVAL)": b"SORT (ARRIVAL) UTF-8 ALL",
    "SORT (SUBJECT)": b"SORT (SUBJECT) UTF-8 ALL",
    "SORT (FROM)": b"SORT (FROM) UTF-8 ALL",
    "SORT (SIZE)": b"SORT (SIZE) UTF-8 ALL",
    "THREAD REFERENCES": b"THREAD REFERENCES UTF-8 ALL",
}


class Session:
    """One server with the mailbox open."""

    def __init__(self, label: str, imap: Any) -> None:
        self.label = label
        self.imap = imap
        self.first: dict[str, float] = {}
        self.warm: dict[str, list[float]] = {}
        self.said: dict[str, bytes] = {}

    def ask(self, what: str, command: bytes) -> None:
        begun = time.perf_counter()
        _, said = self.imap.cmd(command, keep=True)
        took = (time.perf_counter() - begun) * 1000
        if what in self.first:
            self.warm.setdefault(what, []).append(took)
        else:
            self.first[what] = took
        self.said[what] = said.partition(b"\r\n")[0]


def fill(benchlib: Any, host: str, port: int, messages: int) -> Any:
    """A session in the filled mailbox, with a new connection."""
    user = b"u101@bench.test"
    imap = benchlib.Imap(host, port, user.decode(), "pw")
    imap.cmd(b"CREATE " + BOX)
    maker = benchlib.MailMaker()
    maker.run = "find"  # the same ids for all
    imap.append_many(BOX, (maker.make(n, user.decode()) for n in range(messages)))
    imap.close()
    imap = benchlib.Imap(host, port, user.decode(), "pw")
    imap.cmd(b"SELECT " + BOX)
    return imap


def wait_for_index(server: ServerProcess) -> float:
    begun = time.monotonic()
    while "all mail" not in server.run("index", "status"):
        time.sleep(0.5)
    return time.monotonic() - begun


def table(sessions: list[Session]) -> list[str]:
    """Markdown: milliseconds, first / warm, and how many times as fast as the best peer we are."""
    ours, *peers = sessions
    out = ["| command | " + " | ".join(s.label for s in sessions) + " | times the best peer |"]
    out.append("|---" * (len(sessions) + 2) + "|")
    for what in COMMANDS:
        cells = [f"{s.first[what]:.1f} / {median(s.warm[what]):.1f}" for s in sessions]
        ratio = ""
        if peers:
            first = min(s.first[what] for s in peers) / ours.first[what]
            warm = min(median(s.warm[what]) for s in peers) / median(ours.warm[what])
            ratio = f"{first:.1f} / {warm:.1f}"
        out.append(f"| {what} | {' | '.join(cells)} | {ratio} |")
    return out


def differences(sessions: list[Session]) -> list[str]:
    ours, *peers = sessions
    return [
        f"{what}: {peer.label} says something else: {ours.said[what][:60]!r}, {peer.said[what][:60]!r}"
        for peer in peers
        for what in COMMANDS
        if ours.said[what].split() != peer.said[what].split()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", default=os.environ.get("POSTHAUS_BENCH_SCRIPTS"))
    parser.add_argument("--peers", nargs="*", default=["sdbox"], choices=["maildir", "sdbox"])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    a = parser.parse_args()
    if not a.scripts:
        raise SystemExit("name the folder of the measuring scripts: --scripts or POSTHAUS_BENCH_SCRIPTS")
    scripts = Path(a.scripts)
    sys.path.insert(0, str(scripts))
    import benchlib

    scratch = Path(tempfile.mkdtemp(prefix="posthaus-find-"))
    scratch.chmod(0o755)  # the peers' own users must get to their folders in it
    server, _ = start_ours(scratch, 2)
    environments = []
    try:
        sessions = [Session(OURS, fill(benchlib, "127.0.0.1", server.port(143), a.messages))]
        for store in a.peers:
            environment = peer_environment(scratch / store, store, "secure")
            subprocess.run([str(scripts / "peers.sh"), "start"], env=environment, check=True, stdout=subprocess.DEVNULL)
            environments.append(environment)
            imap = fill(benchlib, "127.0.0.1", int(environment["IMAP_PORT"]), a.messages)
            sessions.append(Session(environment["LABEL"], imap))
        print(f"index of texts complete {wait_for_index(server):.0f} s after the last message", flush=True)
        for _ in range(a.rounds + 1):
            for what, command in COMMANDS.items():
                for session in sessions:
                    session.ask(what, command)
        for session in sessions:
            session.imap.close()
    finally:
        server.stop()
        for environment in environments:
            subprocess.run([str(scripts / "peers.sh"), "stop"], env=environment, check=False)
    print("\n".join([*table(sessions), *differences(sessions)]))


if __name__ == "__main__":
    main()
