"""Debian's Postfix as a neighbour of a test: posthaus.testing.postfix with a certificate. Skipped without root."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tests.interop.clients import need

from posthaus.testing import postfix
from posthaus.testing.postfix import free_port

TLS = """
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/etc/chain.pem
smtpd_tls_key_file = {folder}/etc/key.pem
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
        (folder / "etc").mkdir()
        authority = trustme.CA()
        leaf = authority.issue_cert(hostname)
        (folder / "etc/chain.pem").write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
        (folder / "etc/key.pem").write_bytes(leaf.private_key_pem.bytes())
        authority.cert_pem.write_to_path(str(folder / "etc/ca.pem"))
        yield folder


@contextmanager
def running(folder: Path, hostname: str, more: str, port: int = 0) -> Iterator[int]:
    """With these lines in main.cf as well; the port on which it listens."""
    port = port or free_port()
    postfix.lay_out(folder, hostname, port, TLS.format(folder=folder) + more)
    with postfix.running(folder, port):
        yield port
