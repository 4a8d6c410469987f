"""unbound, a resolver that people run beside their mail server: our questions are good enough for it."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from posthaus.base.chance import SystemChance
from posthaus.base.clock import SystemClock
from posthaus.base.dns import DnsTrouble, Mx, Tlsa
from posthaus.net.resolver import Place, Resolver

pytestmark = pytest.mark.interop

CONF = """
server:
    interface: 127.0.0.1
    port: {port}
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    verbosity: 1
    module-config: "iterator"
    root-hints: ""
    do-not-query-localhost: yes
    local-zone: "test." static
    local-data: "b.test. 300 IN MX 10 mx.b.test."
    local-data: "mx.b.test. 300 IN A 192.0.2.1"
    local-data: "mx.b.test. 300 IN AAAA 2001:db8::1"
    local-data: 'b.test. 300 IN TXT "v=one " "two"'
    local-data: "_25._tcp.mx.b.test. 300 IN TLSA 3 1 1 {digest}"
    local-data-ptr: "192.0.2.1 mx.b.test"
    local-zone: "refused.example." refuse
{long}
remote-control:
    control-enable: no
"""
LONG = 60


def free_port() -> int:
    """Free in UDP and TCP at this moment."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running_unbound() -> Iterator[int]:
    program = shutil.which("unbound", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        pytest.skip("unbound is not installed")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        long = "\n".join(f'    local-data: "long.test. 300 IN TXT {"x" * 60}{n}"' for n in range(LONG))
        conf = Path(folder) / "unbound.conf"
        conf.write_text(CONF.format(port=port, folder=folder, digest="ab" * 32, long=long))
        with subprocess.Popen([program, "-d", "-c", conf], stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                for line in process.stderr:
                    if "start of service" in line:
                        break
                else:
                    pytest.fail("unbound does not start")
                yield port
            finally:
                process.terminate()


async def test_unbound() -> None:
    with running_unbound() as port:
        ask = Resolver([Place("127.0.0.1", port)], SystemClock(), SystemChance(), try_s=30.0)
        assert list((await ask.mx("b.test")).records) == [Mx(10, "mx.b.test")]
        assert list((await ask.a("mx.b.test")).records) == ["192.0.2.1"]
        assert list((await ask.aaaa("mx.b.test")).records) == ["2001:db8::1"]
        assert list((await ask.txt("b.test")).records) == [b"v=one two"]
        assert list((await ask.tlsa("_25._tcp.mx.b.test")).records) == [Tlsa(3, 1, 1, b"\xab" * 32)]
        assert list((await ask.ptr("192.0.2.1")).records) == ["mx.b.test"]
        assert not (await ask.mx("nobody.test")).exists
        assert (await ask.a("b.test")).exists and not (await ask.a("b.test")).records
        assert len((await ask.txt("long.test")).records) == LONG  # over TCP
        with pytest.raises(DnsTrouble, match="REFUSED"):
            await ask.a("refused.example")
