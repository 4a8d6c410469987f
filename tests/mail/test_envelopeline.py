from pathlib import Path

import pytest

from posthaus.mail.envelopeline import addresses_of, render_addresses, render_envelope
from posthaus.mail.header import head_end, read_header
from posthaus.testing.bodygrammar import GrammarFault, check_envelope

MESSAGES = sorted((Path(__file__).parent / "messages").glob("*.eml"))

ENVELOPES = [
    (b"", b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"),
    (
        b"From: a@b.test\r\nSender:\r\nReply-To: c@d.test\r\nSubject:\r\n",
        b'(NIL "" ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) ((NIL NIL "c" "d.test")) NIL NIL NIL NIL NIL)',
    ),
    (
        b"Cc: x@y.test\r\nBcc: g:;\r\nIn-Reply-To: <1@a>\r\n <2@a>\r\nMessage-ID: <3@a>\r\n",
        b'(NIL NIL NIL NIL NIL NIL ((NIL NIL "x" "y.test")) ((NIL NIL "g" NIL)(NIL NIL NIL NIL))'
        b' "<1@a> <2@a>" "<3@a>")',
    ),
    (  # RFC 9051 §7.5.2: the example of §8
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev2 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
        b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes"'
        b' (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu"))'
        b' (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu"))'
        b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL'
        b' "<B27397-0100000@cac.washington.edu>")',
    ),
]


@pytest.mark.parametrize(("head", "wanted"), ENVELOPES)
def test_render_envelope(head: bytes, wanted: bytes) -> None:
    assert render_envelope(read_header(head)) == wanted
    check_envelope(wanted)


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_known_answers(path: Path) -> None:
    octets = path.read_bytes()
    envelope = render_envelope(read_header(octets[: head_end(octets)]))
    check_envelope(envelope)
    assert envelope + b"\n" == path.with_suffix(".envelope").read_bytes()


def test_fields_that_come_twice_are_one_list() -> None:
    header = read_header(b"To: a@b.test\r\nTo: (c)\r\nTo: d@e.test\r\n")
    assert render_addresses(addresses_of(header, b"to")) == b'((NIL NIL "a" "b.test")(NIL NIL "d" "e.test"))'
    assert addresses_of(header, b"cc") == []


BROKEN = [
    b"",
    b"()",
    b"(NIL)",
    b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ",
    b'("\xff" NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
]
BROKEN += [b'(NIL NIL ((NIL NIL "g" NIL)) NIL NIL NIL NIL NIL NIL NIL)', b"(NIL NIL () NIL NIL NIL NIL NIL NIL NIL)"]
BROKEN += [b"({3}\r\nab NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)", b"({1}\r\n\0 NIL NIL NIL NIL NIL NIL NIL NIL NIL)"]


@pytest.mark.parametrize("envelope", BROKEN)
def test_the_checker_is_strict(envelope: bytes) -> None:
    with pytest.raises(GrammarFault):
        check_envelope(envelope)
