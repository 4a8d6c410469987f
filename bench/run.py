"""Measure Posthaus beside other servers, in turns, and print ratios.

    python bench/run.py --scripts DIR [--peers maildir sdbox] [--only deliver10 fetch ...] [--reps 3]

DIR holds the measuring scripts (suite.py, peers.sh and what they call); POSTHAUS_BENCH_SCRIPTS names it as well. Ours
runs as `posthaus serve` does, in a new folder, with 110 accounts and its usual durability; the peers are Postfix and
Dovecot from the system's packages (root is needed to start them). Results are appended to bench/results.tsv with the
machine and the commit. Absolute figures belong to the machine and the hour: read the ratios.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from posthaus.testing.process import ServerProcess, free_base

HERE = Path(__file__).resolve().parent
ACCOUNTS = {f"u{i}@bench.test": "pw" for i in range(1, 111)}
OURS = "posthaus"
# what is better when it is higher; all else is better when it is lower
RATES = ("per_s",)
KEPT = (
    "end_to_end_per_s", "accept_p50_ms", "per_s", "logins_per_s", "retr_per_s", "pss_kb_per_connection",
    "pss_before_mb", "sent_to_notice_p50_ms", "sent_to_notice_p99_ms", "login_s", "uidl_s", "list_s",
)  # fmt: skip


def start_ours(folder: Path, workers: int) -> tuple[ServerProcess, Path]:
    server = ServerProcess(folder / "house", ACCOUNTS, domain="bench.test", workers=workers, base=free_base())
    server.start()
    target = folder / "ours.json"
    ports = {"smtp_port": 25, "imap_port": 143, "imaps_port": 993, "pop3_port": 110}
    record = {key: server.port(port) for key, port in ports.items()}
    record |= {"label": OURS, "host": "127.0.0.1", "user": "u{}@bench.test", "password": "pw", "pids": [server.pid]}
    target.write_text(json.dumps(record))
    return server, target


def peer_environment(scratch: Path, store: str, login_mode: str) -> dict[str, str]:
    base = free_base()
    ports = {"IMAP_PORT": 143, "IMAPS_PORT": 993, "POP3_PORT": 110, "SMTP_PORT": 25}
    label = f"dovecot-{store}" + ("" if login_mode == "secure" else f"-{login_mode}")
    return {
        **os.environ,
        **{name: str(base + port) for name, port in ports.items()},
        "BENCH_DIR": str(scratch),
        "STORE": store,
        "LOGIN_MODE": login_mode,
        "LABEL": label,
    }


def figures(lines: list[dict[str, object]]) -> Iterator[tuple[str, str, float]]:
    """(label, figure, value) of everything that is worth a row."""
    for line in lines:
        name = str(line["bench"]) + (f"-{line['pass']}" if "pass" in line else "")
        ops = line.get("ops")
        if isinstance(ops, dict):
            for op, values in ops.items():
                yield str(line["label"]), f"{name} {op} ms", values["s"] * 1000
        for key in KEPT:
            value = line.get(key)
            if isinstance(value, int | float):
                yield str(line["label"]), f"{name} {key}", float(value)


def is_rate(figure: str) -> bool:
    return figure.endswith(RATES)


def table(results: Path) -> list[str]:
    """Markdown: medians per server, and our ratio to the best peer (above 1: we are better)."""
    rows: dict[str, dict[str, list[float]]] = {}
    labels: dict[str, None] = {}
    with results.open() as f:
        lines = [json.loads(line) for line in f]
    calm = {(x["label"], x["bench"]) for x in lines if not x.get("disturbed")}
    for label, figure, value in figures(
        [x for x in lines if not x.get("disturbed") or (x["label"], x["bench"]) not in calm]
    ):
        labels[label] = None
        rows.setdefault(figure, {}).setdefault(label, []).append(value)
    out = ["| figure | " + " | ".join(labels) + " | times the best peer |", "|---" * (len(labels) + 2) + "|"]
    for figure, by in rows.items():
        mids = {label: median(values) for label, values in by.items()}
        peers = [m for label, m in mids.items() if label != OURS]
        ratio = ""
        if OURS in mids and peers and min(*peers, mids[OURS], *peers) > 0:
            ratio = f"{mids[OURS] / max(peers):.2f}" if is_rate(figure) else f"{min(peers) / mids[OURS]:.2f}"
        cells = [f"{mids[label]:.4g}" if label in mids else "" for label in labels]
        out.append(f"| {figure} | {' | '.join(cells)} | {ratio} |")
    return out


def remember(results: Path) -> None:
    """One line per figure of ours: when, machine, commit, figure, value."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=HERE
    )
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    day = time.strftime("%Y-%m-%d")
    rows: dict[str, list[float]] = {}
    with results.open() as f:
        for label, figure, value in figures([json.loads(line) for line in f]):
            if label == OURS:
                rows.setdefault(figure, []).append(value)
    with (HERE / "results.tsv").open("a") as out:
        for figure, values in rows.items():
            out.write(f"{day}\t{machine}\t{commit.stdout.strip()}\t{figure}\t{median(values):.4g}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", default=os.environ.get("POSTHAUS_BENCH_SCRIPTS"))
    parser.add_argument("--peers", nargs="*", default=[], choices=["maildir", "sdbox", "sdbox-performance"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--reps", type=int, default=1)
    parser.add_argument("--retries", type=int, default=2, help="of runs that other work disturbed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", default="")
    parser.add_argument("--keep", action="store_true", help="append nothing to bench/results.tsv")
    a = parser.parse_args()
    if not a.scripts:
        raise SystemExit("name the folder of the measuring scripts: --scripts or POSTHAUS_BENCH_SCRIPTS")
    scripts = Path(a.scripts)
    scratch = Path(tempfile.mkdtemp(prefix="posthaus-bench-"))
    scratch.chmod(0o755)  # the peers' own users must get to their folders in it
    results = Path(a.out) if a.out else scratch / "results.jsonl"
    server, target = start_ours(scratch, a.workers)
    targets, peers = [str(target)], []
    try:
        for peer in a.peers:
            store, _, mode = peer.partition("-")
            environment = peer_environment(scratch / peer, store, mode or "secure")
            subprocess.run([str(scripts / "peers.sh"), "start"], env=environment, check=True)
            peers.append(environment)
            targets.append(str(scratch / peer / "target.json"))
        command = [sys.executable, str(scripts / "suite.py"), *targets, "--reps", str(a.reps), "--out", str(results)]
        subprocess.run(
            [*command, *(["--only", ",".join(a.only)] if a.only else []), "--retries", str(a.retries)], check=True
        )
    finally:
        server.stop()
        for environment in peers:
            subprocess.run([str(scripts / "peers.sh"), "stop"], env=environment, check=False)
    print("\n".join(table(results)))
    if not a.keep:
        remember(results)


if __name__ == "__main__":
    main()
