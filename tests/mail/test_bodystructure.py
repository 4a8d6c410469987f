from pathlib import Path

import pytest

from posthaus.mail.bodystructure import plain, render_bodystructure
from posthaus.mail.scan import scan
from posthaus.mail.structure import pack, unpack
from posthaus.testing.bodygrammar import GrammarFault, check_body, check_bodystructure

MESSAGES = sorted((Path(__file__).parent / "messages").glob("*.eml"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_known_answers(path: Path) -> None:
    octets = path.read_bytes()
    root = scan(octets)
    extended = render_bodystructure(octets, root)
    assert extended + b"\n" == path.with_suffix(".bodystructure").read_bytes()
    body = check_bodystructure(extended)
    check_body(body)
    assert plain(extended) == body


def test_there_are_enough_odd_ones() -> None:
    assert len(MESSAGES) >= 20


def test_from_a_packed_tree() -> None:
    # Of a tree without its entities the headers are read again; a default that came from the parent is not known then.
    for path in MESSAGES:
        if path.stem not in ("17-digest", "08-boundary-not-declared", "09-boundary-never-used", "15-message-in-base64"):
            octets = path.read_bytes()
            assert render_bodystructure(octets, unpack(pack(scan(octets)))) == render_bodystructure(
                octets, scan(octets)
            )


PLAIN = [
    (b'("text" "plain" NIL NIL NIL "7bit" 3 1 NIL NIL NIL NIL)', b'("text" "plain" NIL NIL NIL "7bit" 3 1)'),
    (
        b'("image" "png" ("name" {2}\r\n(") NIL {2}\r\n)) "base64" 3 NIL ("inline" ("a" "b")) ("de" "en") NIL)',
        b'("image" "png" ("name" {2}\r\n(") NIL {2}\r\n)) "base64" 3)',
    ),
    (
        b'(("text" "plain" NIL NIL NIL "7bit" 3 1 NIL NIL NIL NIL)("text" "html" NIL NIL NIL "7bit" 3 1 "\\")" NIL NIL'
        b' NIL) "alternative" ("boundary" "(") NIL NIL NIL)',
        b'(("text" "plain" NIL NIL NIL "7bit" 3 1)("text" "html" NIL NIL NIL "7bit" 3 1) "alternative")',
    ),
]


@pytest.mark.parametrize(("extended", "wanted"), PLAIN)
def test_plain(extended: bytes, wanted: bytes) -> None:
    check_body(wanted)
    assert plain(extended) == check_bodystructure(extended) == wanted


BROKEN = [b"", b"NIL", b"()", b'("text" "plain" NIL NIL NIL "7bit" 3)', b'("text" "plain" NIL NIL NIL NIL 3 1)']
BROKEN += [b'("image" "png" () NIL NIL "7bit" 3)', b'("multipart" "mixed" NIL NIL NIL "7bit" 3)']


@pytest.mark.parametrize("body", BROKEN)
def test_the_checker_is_strict(body: bytes) -> None:
    with pytest.raises(GrammarFault):
        check_body(body)
    with pytest.raises(GrammarFault):
        check_bodystructure(body)
