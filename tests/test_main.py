"""The supervisor as an admin runs it: starts, restarts, reloads, stops. What it says is read from its log."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthaus.testing.process import free_base, posthaus

WORKERS = 2


class House:
    """A supervisor whose log is waited for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = free_base()
        posthaus("init", str(folder), "--domain", "example.test", "--loopback", "--port-base", str(self.base))
        self.process = self.start()

    def start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "posthaus.cli", "-C", str(self.folder), "serve", "--workers", str(WORKERS)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def until(self, words: str, count: int = 1) -> str:
        """The line of the log that says so for the count-th time; the test's timeout guards."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line:
                count -= 1
                if not count:
                    return line
        raise AssertionError(f"the log ended without {words!r}")

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def change(self, old: str, new: str) -> None:
        path = self.folder / "posthaus.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def connect(self, port: int = 25, host: str = "127.0.0.1") -> socket.socket:
        client = socket.create_connection((host, self.base + port), timeout=10)
        assert client.recv(100)
        return client

    def stop(self) -> int:
        self.tell(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    it = House(tmp_path / "house")
    yield it
    if it.process.poll() is None:
        assert it.stop() == 0
    for pipe in (it.process.stdout, it.process.stderr):
        if pipe is not None:
            pipe.close()


def worker_of(line: str) -> int:
    return int(line.partition(" worker=")[2].split()[0])


def test_every_worker_accepts_and_a_stop_is_clean(house: House) -> None:
    for port in (25, 587, 2525, 143, 110):
        for host in ("127.0.0.1", "::1"):
            house.connect(port, host).close()
    assert (house.folder / "run" / "posthaus.pid").read_text() == f"{house.process.pid}\n"
    assert house.stop() == 0
    assert not (house.folder / "run" / "posthaus.pid").exists()
    with pytest.raises(ConnectionRefusedError):
        house.connect()


def test_a_second_one_is_refused(house: House) -> None:
    with pytest.raises(RuntimeError, match=f"already running, process {house.process.pid}"):
        posthaus("-C", str(house.folder), "serve")


def test_a_dead_worker_has_a_successor(house: House) -> None:
    first = worker_of(house.until("worker.ready"))
    house.until("house.ready")
    os.kill(first, signal.SIGKILL)
    assert f"worker={first}" in house.until("worker.died")
    assert worker_of(house.until("worker.ready")) != first
    for _ in range(10):  # each worker has its own socket, so some of these reach the successor
        house.connect().close()


def test_sighup_reads_certificates_again_and_keeps_sessions(house: House) -> None:
    house.until("house.ready")
    client = house.connect()
    house.tell(signal.SIGHUP)
    house.until("certificate.read", WORKERS)
    client.sendall(b"NOOP\r\n")
    assert client.recv(100).startswith(b"250")
    client.close()


def test_bad_settings_change_nothing(house: House) -> None:
    house.until("house.ready")
    good = (house.folder / "posthaus.toml").read_text()
    house.change("#smtp = 25", "smpt = 25")
    house.tell(signal.SIGHUP)
    assert "listen.smpt is not a setting; did you mean smtp?" in house.until("setting.refused")
    house.connect().close()
    (house.folder / "posthaus.toml").write_text(good)
    next((house.folder / "tls").glob("*.key")).unlink()
    house.tell(signal.SIGHUP)
    assert "there is no such file" in house.until("setting.refused")
    house.connect().close()


def test_new_settings_bring_new_workers_and_the_old_ones_say_goodbye(house: House) -> None:
    house.until("house.ready")
    idle = house.connect(143)
    house.change("#pop3 = 110", "pop3 = 0")
    house.tell(signal.SIGHUP)
    house.until("worker.left", 1)
    heard = b""
    while octets := idle.recv(1000):
        heard += octets
    assert b"* BYE" in heard
    idle.close()
    house.connect(25).close()
    with pytest.raises(ConnectionRefusedError):
        house.connect(110)


def test_workers_notice_the_death_of_their_supervisor_and_the_next_one_starts_at_once(house: House) -> None:
    house.until("house.ready")
    house.process.kill()
    assert house.process.wait(10) == -signal.SIGKILL
    house.until("worker.orphaned", WORKERS)
    assert house.process.stderr is not None
    house.process.stderr.read()  # ends when the last of them has closed it
    for pipe in (house.process.stdout, house.process.stderr):
        if pipe is not None:
            pipe.close()
    house.process = house.start()
    house.connect().close()


def test_a_worker_that_cannot_start_ends_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    posthaus("init", str(folder), "--domain", "example.test", "--loopback", "--port-base", str(free_base()))
    (folder / "store" / "store.db").write_bytes(b"not a database, by no means" * 100)
    with pytest.raises(RuntimeError, match=r"worker\.refused .*\n.*a worker could not start|a worker could not start"):
        posthaus("-C", str(folder), "serve", "--workers", "1")
