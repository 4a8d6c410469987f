"""OpenDKIM verifies what we sign, and we verify what it signs."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.check.keys import MESSAGE, Zone, ed25519_key, records
from tests.interop.clients import need, run

from posthaus.check.dkim import verify
from posthaus.check.dkimsign import sign
from posthaus.check.signingkey import SigningKey, make_private, read_signing_key

pytestmark = pytest.mark.interop

DOMAIN = "football.example.com"
NOW = 1_528_637_909


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return read_signing_key(DOMAIN, "own", make_private("rsa"))


def judge(folder: Path, message: bytes, keys: list[SigningKey]) -> str:
    """The Authentication-Results that OpenDKIM would add; its DNS is a file."""
    names = "".join(f"{name} {found[0].decode()}\n" for name, found in records(*keys).items())
    (folder / "keys").write_text(names)
    (folder / "conf").write_text(f"TestPublicKeys {folder / 'keys'}\nMode v\nSocket inet:0@127.0.0.1\n")
    (folder / "message").write_bytes(message)
    return run(need("opendkim"), "-x", str(folder / "conf"), "-t", str(folder / "message"), "-vv").said


def test_it_verifies_both_of_our_signatures(key: SigningKey, tmp_path: Path) -> None:
    message = MESSAGE + b"a  line\twith white space \r\n" * 3_000 + b"\r\n\r\n"
    signed = sign(message, [key, ed25519_key()], NOW) + message
    said = judge(tmp_path, signed, [key, ed25519_key()])
    assert said.count("dkim=pass") == 2, said
    assert "dkim=fail" in judge(tmp_path, signed + b"more\r\n", [key, ed25519_key()])


@pytest.mark.parametrize("form", ["simple", "relaxed"])
async def test_we_verify_its_signatures(key: SigningKey, tmp_path: Path, form: str) -> None:
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "pem").write_bytes(pem)
    (tmp_path / "pem").chmod(0o600)
    (tmp_path / "conf").write_text(
        f"Mode s\nDomain {DOMAIN}\nSelector own\nKeyFile {tmp_path / 'pem'}\nCanonicalization {form}/{form}\n"
        "RequireSafeKeys no\nSocket inet:0@127.0.0.1\n"
    )
    message = MESSAGE + b"  a  line\t \r\n\r\n"
    (tmp_path / "message").write_bytes(message)
    said = run(need("opendkim"), "-x", str(tmp_path / "conf"), "-t", str(tmp_path / "message"), "-vv").said
    # it prints the field that it would insert: hname='DKIM-Signature' hvalue='...'
    value = said.partition("hname='DKIM-Signature' hvalue='")[2].partition("'\n")[0]
    assert value, said
    field = ("DKIM-Signature: " + value.replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n").encode()
    zone = Zone.of_txt(records(key))
    assert [one.value for one in await verify(field + message, zone, NOW)] == ["pass"]
    assert [one.value for one in await verify(field + message + b"x\r\n", zone, NOW)] == ["fail"]
