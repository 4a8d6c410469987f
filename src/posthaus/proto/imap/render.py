"""Responses of IMAP: values to octets.

A string goes out quoted where it can and as a literal where it must; an astring goes out bare where it can. Nothing
here can break a line: what a peer or a message has put into a value reaches the wire in quotes or in a literal only.
A response line ends with CRLF; a fragment (string, flags, set) does not.

Standards: RFC 9051 §7, RFC 3501 §7, RFC 4731 §3.1, RFC 5258 §3.5, RFC 7162 §3.2.10, RFC 2971 §3.2, RFC 5464 §5,
           RFC 9208 §4.2, RFC 4314 §3.6 to §3.8.
Faults:    none; what no octets can say (a lone surrogate in a name) becomes "?".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from posthaus.proto.imap import mutf7
from posthaus.proto.imap.token import ASTRING_CHAR

_QUOTED_OCTETS = 4_096  # a longer string goes as a literal: some clients have fixed buffers for lines

_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*").fullmatch
_ASTRING = re.compile(ASTRING_CHAR + rb"++").fullmatch
_UNSAFE = re.compile(rb"[\x00\r\n]+")

# -- strings -------------------------------------------------------------------------------------------------------


def quoted(octets: bytes) -> bytes:
    """The octets between quotes; they must be fit for it."""
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(octets), octets)


def string(octets: bytes) -> bytes:
    """string = quoted / literal"""
    if len(octets) <= _QUOTED_OCTETS and _QUOTABLE(octets):
        return quoted(octets)
    return literal(octets)


def nstring(octets: bytes | None) -> bytes:
    return b"NIL" if octets is None else string(octets)


def astring(octets: bytes) -> bytes:
    """1*ASTRING-CHAR / string; NIL in quotes, for clients that take it for nothing."""
    if _ASTRING(octets) and octets.upper() != b"NIL":
        return octets
    return string(octets)


def binary(octets: bytes) -> bytes:
    """nstring / literal8: for BINARY, whose octets may be NUL."""
    return b"~" + literal(octets) if b"\0" in octets else string(octets)


def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A name as this client reads names: UTF-8 where it has enabled IMAP4rev2, modified UTF-7 else."""
    if utf8:
        octets = name.encode("utf-8", "replace")
        # RFC 9051 §5.1: UTF-8 stands in quotes, not in an atom and not in a literal where it can be helped.
        return astring(octets) if octets.isascii() or _UNSAFE.search(octets) else quoted(octets)
    try:
        return astring(mutf7.encode(name))
    except mutf7.NotModifiedUtf7:
        return astring(mutf7.encode(name.encode("utf-8", "replace").decode("utf-8")))


def text(words: str) -> bytes:
    """resp-text: one line of ASCII, never empty."""
    return _UNSAFE.sub(b" ", words.encode("ascii", "replace")) or b"-"


# -- sets ----------------------------------------------------------------------------------------------------------


def render_uids(uids: Sequence[int]) -> bytes:
    """uid-set of rising numbers: "1:5,7"."""
    if not uids:
        return b""
    first = last = uids[0]
    if uids[-1] - first == len(uids) - 1:
        return b"%d" % first if len(uids) == 1 else b"%d:%d" % (first, uids[-1])
    ranges: list[tuple[int, int]] = []
    for uid in uids:
        if uid > last + 1:
            ranges.append((first, last))
            first = uid
        last = uid
    ranges.append((first, last))
    return render_ranges(ranges)


def render_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """The same of ranges that do not touch."""
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges])


# -- lines ---------------------------------------------------------------------------------------------------------


def exists(count: int) -> bytes:
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """RFC 3501 §7.3.2"""
    return b"* %d RECENT\r\n" % count


def expunge(number: int) -> bytes:
    return b"* %d EXPUNGE\r\n" % number


def vanished(uids: bytes, *, earlier: bool = False) -> bytes:
    """RFC 7162 §3.2.10; `uids` as render_uids gives them."""
    return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if earlier else b"", uids)


def flag_list(flags: Iterable[bytes]) -> bytes:
    """flag-list, a fragment"""
    return b"(" + b" ".join(flags) + b")"


def flags_line(flags: Iterable[bytes]) -> bytes:
    return b"* FLAGS %b\r\n" % flag_list(flags)


_NUMBERS = 10_000  # written at once: a millisecond in which no other thread has its turn


def search(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """The SEARCH response of RFC 3501 §7.2.5, with the MODSEQ of RFC 7162 §3.1.5."""
    pieces = [numbers[at : at + _NUMBERS] for at in range(0, len(numbers), _NUMBERS)]
    words = b"".join([b" %d" * len(piece) % tuple(piece) for piece in pieces])
    return b"* SEARCH%b%b\r\n" % (words, b"" if modseq is None else b" (MODSEQ %d)" % modseq)


def sort(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """sort-data = "SORT" *(SP nz-number) [SP search-sort-mod-seq]; RFC 5256 §4, RFC 7162 §3.1.6"""
    return b"* SORT" + search(numbers, modseq)[len(b"* SEARCH") :]


def render_numbers(numbers: Sequence[int]) -> bytes:
    """A sequence-set in an order of its own (RFC 5267 §3.2): what rises by ones is written as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return b",".join([b"%d" % run[0] if len(run) == 1 else b"%d:%d" % (run[0], run[1]) for run in runs])


def esearch(
    tag: bytes, *, uid: bool, results: Iterable[tuple[bytes, bytes]], where: bytes = b"", uidvalidity: int = 0
) -> bytes:
    """RFC 9051 §7.3.4. `results` are MIN, MAX, COUNT, ALL, MODSEQ with their octets; what is empty is left out.

    `where`: the mailbox's name as mailbox() gives it, for ESEARCH over several (RFC 7377 §2.1).
    """
    words = b"".join([b" %b %b" % pair for pair in results if pair[1]])
    mailbox = b" MAILBOX %b UIDVALIDITY %d" % (where, uidvalidity) if where else b""
    return b"* ESEARCH (TAG %b%b)%b%b\r\n" % (quoted(tag), mailbox, b" UID" if uid else b"", words)


def uid_batches(tag: bytes, batches: Iterable[tuple[int, int]]) -> bytes:
    """RFC 10022 §3.1.2: ranges, each with the higher UID first."""
    ranges = b",".join([b"%d:%d" % one for one in batches])
    return b"* UIDBATCHES (TAG %b)%b%b\r\n" % (quoted(tag), b" " if ranges else b"", ranges)


def list_line(
    attributes: Iterable[bytes],
    delimiter: str | None,
    name: str,
    *,
    utf8: bool = False,
    word: bytes = b"LIST",
    childinfo: Sequence[bytes] = (),
    old_name: str | None = None,
) -> bytes:
    """LIST and LSUB; `childinfo` is RFC 5258 §3.5, `old_name` RFC 9051 §6.3.9.7."""
    extended = []
    if childinfo:
        extended.append(b'"CHILDINFO" ' + flag_list([quoted(option) for option in childinfo]))
    if old_name is not None:
        extended.append(b'"OLDNAME" (' + mailbox(old_name, utf8=utf8) + b")")
    return b"* %b %b %b %b%b\r\n" % (
        word,
        flag_list(attributes),
        b"NIL" if delimiter is None else quoted(delimiter.encode("ascii")),
        mailbox(name, utf8=utf8),
        b" (" + b" ".join(extended) + b")" if extended else b"",
    )


def status(name: str, items: Mapping[bytes, bytes | int | None], *, utf8: bool = False) -> bytes:
    """STATUS: numbers, or octets that are rendered already (MAILBOXID); None is NIL (APPENDLIMIT)."""
    words = b" ".join([b"%b %b" % (item, _status_value(value)) for item, value in items.items()])
    return b"* STATUS %b (%b)\r\n" % (mailbox(name, utf8=utf8), words)


def _status_value(value: bytes | int | None) -> bytes:
    if value is None:
        return b"NIL"
    return value if isinstance(value, bytes) else b"%d" % value


def metadata(name: str, values: Iterable[tuple[str, bytes | None]], *, utf8: bool = False) -> bytes:
    """METADATA with values (RFC 5464 §4.4.1). A name that is empty is the server."""
    words = b" ".join([b"%b %b" % (astring(e.encode("ascii")), _metadata_value(value)) for e, value in values])
    return b"* METADATA %b (%b)\r\n" % (mailbox(name, utf8=utf8), words)


def metadata_changed(name: str, entries: Iterable[str], *, utf8: bool = False) -> bytes:
    """METADATA without values: they are others now (RFC 5464 §4.4.2)."""
    words = b" ".join([astring(entry.encode("ascii")) for entry in entries])
    return b"* METADATA %b %b\r\n" % (mailbox(name, utf8=utf8), words)


def _metadata_value(value: bytes | None) -> bytes:
    return b"NIL" if value is None else binary(value)


def quota_root(name: str, roots: Sequence[bytes], *, utf8: bool = False) -> bytes:
    """RFC 9208 §4.2.2"""
    return b"* QUOTAROOT %b%b\r\n" % (mailbox(name, utf8=utf8), b"".join([b" " + astring(root) for root in roots]))


def quota(root: bytes, resources: Iterable[tuple[bytes, int, int]]) -> bytes:
    """RFC 9208 §4.2.1: each resource with its usage and its limit."""
    words = b" ".join([b"%b %d %d" % resource for resource in resources])
    return b"* QUOTA %b (%b)\r\n" % (astring(root), words)


def acl(name: str, entries: Iterable[tuple[str, str]], *, utf8: bool = False) -> bytes:
    """RFC 4314 §3.6: identifiers with their rights."""
    words = b"".join([b" %b %b" % (astring(who.encode("utf-8", "replace")), _rights(what)) for who, what in entries])
    return b"* ACL %b%b\r\n" % (mailbox(name, utf8=utf8), words)


def list_rights(name: str, identifier: bytes, required: str, optional: Iterable[str], *, utf8: bool = False) -> bytes:
    """RFC 4314 §3.7: what the identifier always has, and what it can be given."""
    words = b" ".join([_rights(rights) for rights in (required, *optional)])
    return b"* LISTRIGHTS %b %b %b\r\n" % (mailbox(name, utf8=utf8), astring(identifier), words)


def my_rights(name: str, rights: str, *, utf8: bool = False) -> bytes:
    """RFC 4314 §3.8"""
    return b"* MYRIGHTS %b %b\r\n" % (mailbox(name, utf8=utf8), _rights(rights))


def _rights(letters: str) -> bytes:
    """rights, an astring"""
    return astring(letters.encode("ascii"))


def namespace(
    personal: Sequence[tuple[str, str]],
    others: Sequence[tuple[str, str]] = (),
    shared: Sequence[tuple[str, str]] = (),
    *,
    utf8: bool = False,
) -> bytes:
    """RFC 9051 §7.3.5: pairs of prefix and delimiter."""
    kinds = [_namespaces(spaces, utf8=utf8) for spaces in (personal, others, shared)]
    return b"* NAMESPACE %b\r\n" % b" ".join(kinds)


def _namespaces(spaces: Sequence[tuple[str, str]], *, utf8: bool) -> bytes:
    if not spaces:
        return b"NIL"
    # RFC 2342 §6: the prefix is a string, never an atom; an empty one is "".
    return b"(%b)" % b"".join(
        [b"(%b %b)" % (_as_string(mailbox(prefix, utf8=utf8)), quoted(d.encode("ascii"))) for prefix, d in spaces]
    )


def _as_string(name: bytes) -> bytes:
    return name if name.startswith((b'"', b"{")) else quoted(name)


def id_line(pairs: Sequence[tuple[bytes, bytes | None]]) -> bytes:
    """RFC 2971 §3.2"""
    if not pairs:
        return b"* ID NIL\r\n"
    return b"* ID (%b)\r\n" % b" ".join([b"%b %b" % (string(field), nstring(value)) for field, value in pairs])


def enabled(names: Iterable[bytes]) -> bytes:
    """RFC 5161 §3.2"""
    return b"* ENABLED%b\r\n" % b"".join([b" " + name for name in names])


@lru_cache(maxsize=64)
def capability(names: tuple[bytes, ...]) -> bytes:
    return b"* CAPABILITY %b\r\n" % b" ".join(names)
