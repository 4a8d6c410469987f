"""Debian's Postfix beside a test: a folder of its own with a certificate, started and stopped.

What a test wants of it is a few lines of main.cf. It is root's program: without root its tests are skipped.

Standards: none.
Faults:    AssertionError where it does not start.
"""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tests.interop.clients import need, run

DAEMONS = "/usr/lib/postfix/sbin"
START_S = 20.0

MAIN = """
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
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/etc/chain.pem
smtpd_tls_key_file = {folder}/etc/key.pem
"""

MASTER = """
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


@contextmanager
def house(hostname: str) -> Iterator[Path]:
    """Its folder: etc/chain.pem and etc/key.pem are for the name, etc/ca.pem vouches for them."""
    need("postfix")
    if os.getuid() != 0:
        pytest.skip("Postfix starts as root only")
    with tempfile.TemporaryDirectory(prefix="posthaus-mx-") as temporary:
        folder = Path(temporary)  # not pytest's, which nobody else can enter
        folder.chmod(0o755)
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir(mode=0o755)
            (folder / name).chmod(0o755)
        shutil.chown(folder / "data", "postfix")
        authority = trustme.CA()
        leaf = authority.issue_cert(hostname)
        (folder / "etc/chain.pem").write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
        (folder / "etc/key.pem").write_bytes(leaf.private_key_pem.bytes())
        authority.cert_pem.write_to_path(str(folder / "etc/ca.pem"))
        main = MAIN.format(folder=folder, daemons=DAEMONS, hostname=hostname)
        (folder / "etc/main.cf").write_text(main)
        yield folder


@contextmanager
def running(folder: Path, more: str, port: int = 0) -> Iterator[int]:
    """With these lines in main.cf as well; the port on which it listens."""
    program = need("postfix")
    port = port or free_port()
    with (folder / "etc/main.cf").open("a") as main:
        main.write(more)
    (folder / "etc/master.cf").write_text(MASTER.format(port=port))
    before = os.umask(0o022)  # our admin command, run in this process by other tests, has made it narrower
    try:
        run(program, "-c", folder / "etc", "start")
    finally:
        os.umask(before)
    try:
        wait_for(port)
        yield port
    finally:
        run(program, "-c", folder / "etc", "stop", codes=(0, 1))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # it has no other way to say that it is ready
    raise AssertionError("Postfix did not start")
