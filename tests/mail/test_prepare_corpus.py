"""Real mail of 2002, with all that is odd in it: every message can be prepared, and what is well-formed is read as the
standard library reads it."""

import email
import email.policy
import functools
import itertools
import tarfile
from email.message import Message
from pathlib import Path

import pytest

from posthaus.mail import fieldcache, headerpick, structure
from posthaus.mail.bodystructure import plain
from posthaus.mail.prepare import prepare
from posthaus.mail.scan import scan
from posthaus.mail.structure import Part
from posthaus.mail.text import DIVIDER, Text, leaves
from posthaus.testing.bodygrammar import check_body, check_bodystructure, check_envelope

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
ARCHIVES = sorted(CORPUS.glob("*.tar.xz"))
WANTED = (b"from", b"to", b"subject", b"date", b"message-id", b"references", b"content-type", b"list-id")

pytestmark = pytest.mark.skipif(not ARCHIVES, reason=f"no corpus in {CORPUS.name} beside the checkout")


@functools.cache
def _messages() -> tuple[bytes, ...]:
    out = []
    for archive in ARCHIVES:
        with tarfile.open(archive) as tar:
            out += [file.read() for member in tar if member.isfile() and (file := tar.extractfile(member))]
    return tuple(out)


def _leaves(part: Part) -> list[str]:
    if part.parts:
        return list(itertools.chain.from_iterable(_leaves(inner) for inner in part.parts))
    return [f"{part.type.decode()}/{part.subtype.decode()}"]


def _is_well_formed(message: Message) -> bool:
    # The library takes a line without a colon for the end of a header; we do not (mail/header.py says why).
    return not any(part.defects for part in message.walk())


def test_all_of_it_is_there() -> None:
    assert len(_messages()) == 1_900


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_every_message_is_prepared(line_end: bytes) -> None:
    fast = fieldcache.compile(WANTED)
    assert fast is not None
    for message in _messages():
        octets = message if line_end == b"\n" else message.replace(b"\n", b"\r\n")
        p = prepare(octets)
        check_envelope(p.envelope)
        body = check_bodystructure(p.bodystructure)
        check_body(body)
        assert plain(p.bodystructure) == body
        assert fast(p.fields, p.field_index) == headerpick.pick(octets[: p.head_octets], WANTED)
        root = structure.unpack(p.structure)
        text = Text(root, octets[: p.head_octets], functools.partial(_cut, octets))
        assert text.whole.count(DIVIDER) >= len(leaves(root))


def _cut(octets: bytes, start: int, end: int) -> bytes:
    return octets[start:end]


def test_well_formed_mail_is_read_as_the_standard_library_reads_it() -> None:
    compared = 0
    for octets in _messages():
        message = email.message_from_bytes(octets, policy=email.policy.compat32)
        if not _is_well_formed(message):
            continue
        compared += 1
        theirs = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
        assert _leaves(scan(octets)) == theirs
    assert compared > 1_800
