"""Debian's Postfix beside a test or a measurement: a folder of its own, one listener, started and stopped.

    lay_out(folder, "mx.example", 2525, "mydestination = example\n")
    with running(folder, 2525):
        ...

It is root's program, and its daemons must be able to enter the folder.

Standards: none.
Faults:    RuntimeError where it does not start.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DAEMONS = "/usr/lib/postfix/sbin"
_START_S = 20.0

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = {hostname}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
showq     unix  n - n - - showq
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def lay_out(folder: Path, hostname: str, port: int, more: str) -> None:
    """Its settings, queue and data. more: further lines of main.cf."""
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir(mode=0o755, exist_ok=True)
        (folder / name).chmod(0o755)  # whatever the umask is
    shutil.chown(folder / "data", "postfix")
    (folder / "etc/main.cf").write_text(_MAIN.format(folder=folder, daemons=_DAEMONS, hostname=hostname) + more)
    (folder / "etc/master.cf").write_text(_MASTER.format(port=port))


@contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    """Until it listens, and to its end."""
    before = os.umask(0o022)  # our admin command, run in this process by other tests, has made it narrower
    try:
        _postfix(folder, "start").check_returncode()
    finally:
        os.umask(before)
    try:
        _wait_for(port)
        yield
    finally:
        _postfix(folder, "stop")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _postfix(folder: Path, word: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["/usr/sbin/postfix", "-c", folder / "etc", word], check=False, capture_output=True)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # it has no other way to say that it is ready
    raise RuntimeError("Postfix did not start")
