"""Certificates of the house: names, reload, channel binding."""

import hashlib
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from posthaus.net.tls import (
    CertificateFault,
    Certificates,
    ServerContext,
    make_self_signed,
    new_context,
    server_end_point,
    write_self_signed,
)


def test_self_signed_is_for_its_names(tmp_path: Path) -> None:
    path = write_self_signed(tmp_path, "mx.example", ("mx.example", "example", "127.0.0.1"), 1_767_225_600)
    assert path.with_suffix(".key").stat().st_mode & 0o777 == 0o600
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mx.example", "example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert Certificates(tmp_path, "mx.example").listing[0].names == ("mx.example", "example")


def test_self_signed_never_overwrites(tmp_path: Path) -> None:
    write_self_signed(tmp_path, "a", ("a",), 0)
    with pytest.raises(FileExistsError):
        write_self_signed(tmp_path, "a", ("a",), 0)


def test_end_point_is_the_hash_of_the_signature(tmp_path: Path) -> None:
    certificate, _ = make_self_signed(("a",), 0)
    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    assert server_end_point(der) == hashlib.sha256(der).digest()


def test_end_point_of_ed25519_is_not_defined() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem, _ = make_self_signed(("a",), 0)
    model = x509.load_pem_x509_certificate(pem)
    leaf = (
        x509.CertificateBuilder()
        .issuer_name(model.issuer)
        .subject_name(model.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(model.not_valid_before_utc)
        .not_valid_after(model.not_valid_after_utc)
        .sign(key, None)
    )
    assert server_end_point(leaf.public_bytes(serialization.Encoding.DER)) is None


def test_context_is_modern() -> None:
    context = new_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.num_tickets == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there is no certificate"),
        ({"a.crt": b"no PEM"}, "a.crt: cannot be read"),
        ({"a.crt": make_self_signed(("a",), 0)[0]}, "a.key: there is no such file"),
        (
            {"a.crt": make_self_signed(("a",), 0)[0], "a.key": make_self_signed(("b",), 0)[1]},
            "certificate and key do not fit",
        ),
    ],
)
def test_faults_name_the_file(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
    with pytest.raises(CertificateFault, match=words):
        Certificates(tmp_path, "a")


def put(folder: Path, authority: trustme.CA, file: str, *names: str) -> None:
    leaf = authority.issue_cert(*names)
    (folder / f"{file}.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / f"{file}.key").write_bytes(leaf.private_key_pem.bytes())


def chosen(certificates: Certificates, authority: trustme.CA, name: str) -> bytes:
    """The channel binding of the certificate that a client is shown when it asks for this name."""
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(down, up, server_hostname=name)
    server = certificates.context("imap").wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    shown = client.getpeercert(True)
    assert shown is not None
    context = server.context
    assert isinstance(context, ServerContext)
    assert context.end_point == server_end_point(shown)
    assert context.end_point is not None
    return context.end_point


def test_each_name_gets_its_certificate_and_a_reload_is_all_or_nothing(tmp_path: Path) -> None:
    authority = trustme.CA()
    put(tmp_path, authority, "a", "a.example", "*.wild.example")
    put(tmp_path, authority, "b", "b.example")
    certificates = Certificates(tmp_path, "b.example")
    a, b = certificates.listing[0].end_point, certificates.listing[1].end_point
    assert chosen(certificates, authority, "a.example") == a
    assert chosen(certificates, authority, "x.wild.example") == a
    assert chosen(certificates, authority, "b.example") == b
    assert certificates.context("smtp") is not certificates.context("imap")

    put(tmp_path, authority, "c", "c.example")
    (tmp_path / "broken.crt").write_bytes(b"")
    with pytest.raises(CertificateFault):
        certificates.reload()
    assert [one.name for one in certificates.listing] == ["a", "b"]
    (tmp_path / "broken.crt").unlink()
    certificates.reload()
    assert chosen(certificates, authority, "c.example") == certificates.listing[-1].end_point


def test_the_hostname_is_the_default(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_self_signed(tmp_path, name, (f"{name}.example",), 0)
    context = Certificates(tmp_path, "B.example").context("smtp")
    assert isinstance(context, ServerContext)
    assert context.end_point == Certificates(tmp_path, "").listing[1].end_point
