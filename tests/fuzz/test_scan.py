"""Any octets can be prepared, and what comes out holds together.

The pool of fragments makes mail that is nearly right, which finds more than octets by chance.
"""

import email
import email.policy
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from posthaus.mail import fieldcache, headerpick, text
from posthaus.mail.bodystructure import plain
from posthaus.mail.prepare import prepare
from posthaus.mail.scan import scan
from posthaus.mail.structure import Part, lookup, pack, span, unpack
from posthaus.testing.bodygrammar import check_body, check_bodystructure, check_envelope

FRAGMENTS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"--", b"--b", b"--b--", b"--bb", b"--c\r\n", b"--c--\r\n",
    b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\r\n\r\n", b"From: ", b"To: ", b"Cc:", b"Subject: ",
    b"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\n", b"Message-ID: <a@b>\r\n", b"References: ",
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/alternative; boundary=bb\r\n",
    b"Content-Type: multipart/digest; boundary=c\r\n", b"Content-Type: message/rfc822\r\n",
    b"Content-Type: message/global\r\n", b"Content-Type: text/html; charset=",
    b"Content-Type: text/plain; charset=utf-8; format=flowed\r\n", b"Content-Type: ",
    b"Content-Disposition: attachment", b"; filename*0*=utf-8''%C3%BC; filename*1=",
    b"Content-Transfer-Encoding: base64\r\n", b"iso-2022-jp", b"utf-7",
    b"Content-Transfer-Encoding: quoted-printable\r\n", b"Content-Language: de, en\r\n", b"Content-MD5: ",
    b"a@b.test", b"<a@b.test>", b"<@a,@b:c@d>", b'"a \\" b"', b'"', b"\\", b"(", b")", b"<", b">", b"[", b"]",
    b"{3}", b"group:", b";", b",", b"@", b"=?utf-8?q?=C3=BC?=", b"=?utf-8?b?w7w", b"\xc3\xbc", b"\xff",
    b"<p>text</p>", b"<div", b"aGVsbG8=", b"=3D=\r\n", b"begin 644 a\n%:&5L;&\\\n`\nend\n", b"\x1b$B", b"+2AA-",
]  # fmt: skip

mails = st.one_of(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(b"".join), st.binary(max_size=300))
deterministic = settings(derandomize=True, deadline=None, max_examples=600, database=None)


def _check_offsets(part: Part, start: int, end: int) -> None:
    assert start <= part.header_start <= part.body_start <= part.body_end <= end
    at = part.body_start
    for inner in part.parts:
        _check_offsets(inner, at, part.body_end)
        at = inner.body_end
    assert part.lines >= 0
    assert not (part.type == b"multipart" and not part.parts)


@deterministic
@given(mails)
def test_any_octets(octets: bytes) -> None:
    check(octets)


def check(octets: bytes) -> None:
    """What holds of all that comes out, whatever goes in."""
    p = prepare(octets)
    check_envelope(p.envelope)
    body = check_bodystructure(p.bodystructure)
    check_body(body)
    assert plain(p.bodystructure) == body
    root = scan(octets)
    _check_offsets(root, 0, len(octets))
    assert (root.header_start, root.body_start, root.body_end) == (0, p.head_octets, len(octets))
    assert unpack(p.structure) == root == unpack(pack(root))
    for words in (p.preview, p.subject, p.base_subject, p.message_id, p.sender, p.recipients, *p.references):
        assert "\0" not in words
        words.encode()  # no lone surrogates
    whole = text.Text(root, octets[: p.head_octets], lambda start, end: octets[start:end]).whole
    whole.encode()
    read = text.leaves(root)
    html = [leaf for leaf in read if leaf.subtype == b"html"]  # kept as it is written and, if not empty, as it is read
    assert len(read) <= whole.count(text.DIVIDER) <= len(read) + len(html)
    for part in text.parts(root):
        if part.type == b"text":
            assert part.lines == octets.count(b"\n", part.body_start, part.body_end)


@deterministic
@given(mails, st.sets(st.sampled_from([*fieldcache.COMMON[:16], b"Subject"]), max_size=6))
def test_picked_fields_are_those_of_the_header(octets: bytes, wanted: set[bytes]) -> None:
    p = prepare(octets)
    head = octets[: p.head_octets]
    picked = headerpick.pick(head, wanted)
    assert fieldcache.pick(p.fields, p.field_index, wanted) == picked
    assert len(picked) + len(headerpick.pick_not(head, wanted)) == len(head) + len(headerpick.pick(head, ()))


@deterministic
@given(mails, st.lists(st.integers(0, 4), max_size=5))
def test_any_section(octets: bytes, section: list[int]) -> None:
    root = scan(octets)
    part = lookup(root, section)
    for words in ("", "HEADER", "TEXT", "MIME"):
        found = span(root, section, words)
        assert found is None or 0 <= found[0] <= found[1] <= len(octets)
        assert found is None or part is not None


def _render(tree: "str | list[object]", counter: "itertools.count[int]") -> bytes:
    """A well-formed entity: a leaf of this type, or a multipart of these."""
    if isinstance(tree, str):
        if tree == "message/rfc822":
            return b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner --x\r\n"
        return b"Content-Type: %b\r\n\r\nline\r\n--\r\n--no-boundary\r\n" % tree.encode()
    boundary = b"=_%d" % next(counter)
    head = b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\npreamble\r\n' % boundary
    parts = b"".join(b"--%b\r\n%b\r\n" % (boundary, _render(inner, counter)) for inner in tree)  # type: ignore[arg-type]
    return head + parts + b"--%b--\r\nepilogue\r\n" % boundary


leaves = st.sampled_from(
    ["text/plain", "text/html; charset=utf-8", "image/png", "application/pdf; name=a", "message/rfc822"]
)
trees = st.recursive(leaves, lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=25)


def _leaf_types(part: Part) -> list[str]:
    if part.parts:
        return list(itertools.chain.from_iterable(_leaf_types(inner) for inner in part.parts))
    return [f"{part.type.decode()}/{part.subtype.decode()}"]


@deterministic
@given(trees)
def test_agrees_with_the_standard_library(tree: "str | list[object]") -> None:
    octets = b"Subject: x\r\nMIME-Version: 1.0\r\n" + _render(tree, itertools.count())
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    theirs = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert _leaf_types(scan(octets)) == theirs
