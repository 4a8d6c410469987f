"""SEARCH: every key, the options, the charset, the bounds."""

from datetime import date

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.base.limit import IMAP_NESTING, IMAP_SEARCH_KEYS
from posthaus.proto.imap import key as k
from posthaus.proto.imap.command import MultiSearch, Search
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.mailboxfilter import MailboxFilter, Which
from posthaus.proto.imap.number import SAVED, parse_set
from posthaus.proto.imap.partial import Partial
from posthaus.proto.imap.quirk import LENIENT, STRICT, Quirk
from posthaus.proto.imap.token import Literal

_SEEN = k.Flagged(b"\\Seen")
_DAY = date(1994, 2, 1)


def _search(text: bytes, *literals: bytes, quirks: frozenset[Quirk] = STRICT) -> Search:
    cut = [Literal(octets, len(octets)) for octets in literals]
    command = parse_command(b"a SEARCH " + text, cut, quirks=quirks)
    assert isinstance(command, Search)
    return command


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"ALL", k.All()),
        (b"answered", k.Flagged(b"\\Answered")),
        (b"DELETED", k.Flagged(b"\\Deleted")),
        (b"DRAFT", k.Flagged(b"\\Draft")),
        (b"FLAGGED", k.Flagged(b"\\Flagged")),
        (b"SEEN", _SEEN),
        (b"RECENT", k.Flagged(b"\\Recent")),
        (b"UNANSWERED", k.Not(k.Flagged(b"\\Answered"))),
        (b"UNDELETED", k.Not(k.Flagged(b"\\Deleted"))),
        (b"UNDRAFT", k.Not(k.Flagged(b"\\Draft"))),
        (b"UNFLAGGED", k.Not(k.Flagged(b"\\Flagged"))),
        (b"UNSEEN", k.Not(_SEEN)),
        (b"OLD", k.Not(k.Flagged(b"\\Recent"))),
        (b"NEW", k.And((k.Flagged(b"\\Recent"), k.Not(_SEEN)))),
        (b"KEYWORD $Junk", k.Flagged(b"$Junk")),
        (b"UNKEYWORD $Junk", k.Not(k.Flagged(b"$Junk"))),
        (b"FROM Smith", k.Header("from", "Smith")),
        (b'TO "a b"', k.Header("to", "a b")),
        (b"CC x", k.Header("cc", "x")),
        (b"BCC x", k.Header("bcc", "x")),
        (b'SUBJECT ""', k.Header("subject", "")),
        (b'HEADER Message-ID "<x@y>"', k.Header("message-id", "<x@y>")),
        (b'HEADER "X-Y" ""', k.Header("x-y", "")),
        (b"BODY x", k.Body("x")),
        (b"TEXT x", k.Anywhere("x")),
        (b"BEFORE 1-Feb-1994", k.Dated(k.Clock.INTERNAL, k.Order.BEFORE, _DAY)),
        (b'ON "1-Feb-1994"', k.Dated(k.Clock.INTERNAL, k.Order.ON, _DAY)),
        (b"SINCE 1-Feb-1994", k.Dated(k.Clock.INTERNAL, k.Order.SINCE, _DAY)),
        (b"SENTBEFORE 1-Feb-1994", k.Dated(k.Clock.SENT, k.Order.BEFORE, _DAY)),
        (b"SENTON 1-Feb-1994", k.Dated(k.Clock.SENT, k.Order.ON, _DAY)),
        (b"SENTSINCE 1-Feb-1994", k.Dated(k.Clock.SENT, k.Order.SINCE, _DAY)),
        (b"SAVEDBEFORE 1-Feb-1994", k.Dated(k.Clock.SAVED, k.Order.BEFORE, _DAY)),
        (b"SAVEDON 1-Feb-1994", k.Dated(k.Clock.SAVED, k.Order.ON, _DAY)),
        (b"SAVEDSINCE 1-Feb-1994", k.Dated(k.Clock.SAVED, k.Order.SINCE, _DAY)),
        (b"SAVEDATESUPPORTED", k.SaveDateSupported()),
        (b"LARGER 1000", k.Larger(1000)),
        (b"SMALLER 0", k.Smaller(0)),
        (b"OLDER 86400", k.Not(k.Younger(86400))),
        (b"YOUNGER 1", k.Younger(1)),
        (b"UID 1:5,*", k.Uids(parse_set(b"1:5,*"))),
        (b"UID $", k.Uids(SAVED)),
        (b"2,4:7", k.Numbers(parse_set(b"2,4:7"))),
        (b"*", k.Numbers(parse_set(b"*"))),
        (b"$", k.Numbers(SAVED)),
        (b"EMAILID M6d99ac3275bb4e", k.EmailId(b"M6d99ac3275bb4e")),
        (b"THREADID T64b478a75b7ea9", k.ThreadId(b"T64b478a75b7ea9")),
        (b"NOT SEEN", k.Not(_SEEN)),
        (b"NOT UNSEEN", _SEEN),
        (b"NOT NOT NOT SEEN", k.Not(_SEEN)),
        (b"OR SEEN ALL", k.Or((_SEEN, k.All()))),
        (b"OR OR SEEN ALL OR 1 2", k.Or((_SEEN, k.All(), k.Numbers(parse_set(b"1")), k.Numbers(parse_set(b"2"))))),
        (b"OR NOT OR SEEN ALL 1", k.Or((k.Not(k.Or((_SEEN, k.All()))), k.Numbers(parse_set(b"1"))))),
        (b"(SEEN)", _SEEN),
        (b"((SEEN ALL))", k.And((_SEEN, k.All()))),
        (b"SEEN ALL", k.And((_SEEN, k.All()))),
        (b"NOT (SEEN ALL) BODY x", k.And((k.Not(k.And((_SEEN, k.All()))), k.Body("x")))),
        (b"OR (SEEN ALL) (BODY x)", k.Or((k.And((_SEEN, k.All())), k.Body("x")))),
        (
            b"NOT (SMALLER 5 SMALLER 9)",
            k.Not(k.And((k.Smaller(5), k.Smaller(9)))),
        ),
        (
            b'FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"',  # RFC 9051 §6.4.4
            k.And(
                (
                    k.Flagged(b"\\Flagged"),
                    k.Dated(k.Clock.INTERNAL, k.Order.SINCE, _DAY),
                    k.Not(k.Header("from", "Smith")),
                )
            ),
        ),
    ],
)
def test_keys(text: bytes, key: k.Key) -> None:
    assert _search(text).key == key


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        (b"ALL", None),
        (b"RETURN () ALL", {k.Return.ALL}),
        (b"RETURN (MIN COUNT) ALL", {k.Return.MIN, k.Return.COUNT}),
        (b"return (save max all) CHARSET UTF-8 ALL", {k.Return.SAVE, k.Return.MAX, k.Return.ALL}),
    ],
)
def test_return(text: bytes, returns: set[k.Return] | None) -> None:
    assert _search(text).returns == (None if returns is None else frozenset(returns))


def test_partial() -> None:
    command = _search(b"RETURN (PARTIAL -1:-100 SAVE) ALL")  # RFC 9394 §3.1
    assert command.returns == frozenset({k.Return.PARTIAL, k.Return.SAVE})
    assert command.partial == Partial(1, 100, from_end=True)
    for text in (b"PARTIAL", b"PARTIAL 1", b"PARTIAL 1:2 ALL", b"PARTIAL 1:2 PARTIAL 1:2", b"ALL ALL"):
        with pytest.raises(ParseFault):
            _search(b"RETURN (" + text + b") ALL")


def test_esearch() -> None:
    # RFC 7377 §4
    command = parse_command(b"a ESEARCH IN (mailboxes (a b) subtree-one c) RETURN (COUNT) CHARSET UTF-8 ALL")
    filters = (MailboxFilter(Which.MAILBOXES, ("a", "b")), MailboxFilter(Which.SUBTREE_ONE, ("c",)))
    assert command == MultiSearch(b"a", filters, k.All(), frozenset({k.Return.COUNT}))
    assert parse_command(b"a ESEARCH ALL") == MultiSearch(b"a", (), k.All(), frozenset({k.Return.ALL}))
    for text in (b"IN () ALL", b"IN (personal (x)) ALL", b"IN (nowhere) ALL", b"IN (personal)", b"IN personal ALL"):
        with pytest.raises(ParseFault):
            parse_command(b"a ESEARCH " + text)


def test_fuzzy() -> None:
    # RFC 6203 §3, §6
    body, subject = k.Fuzzy(k.Body("x")), k.Fuzzy(k.Header("subject", "y"))
    assert _search(b"FUZZY BODY x").key == body
    assert _search(b"FUZZY NOT BODY x SEEN").key == k.And((k.Not(body), _SEEN))
    assert _search(b"FUZZY (BODY x OR SUBJECT y SEEN)").key == k.And((body, k.Or((subject, _SEEN))))
    assert _search(b"FUZZY SEEN").key == _SEEN
    for text in (b"FUZZY", b"FUZZY (BODY x", b"RETURN (RELEVANCY) BODY x", b"FUZZY (" + b"BODY x " * 20 + b"BODY y)"):
        with pytest.raises(ParseFault):
            _search(text)


def test_update() -> None:
    command = _search(b"RETURN (UPDATE (UID BODY.PEEK[TEXT]) CONTEXT COUNT) ALL")  # RFC 5267 §5, RFC 5465 §7
    assert command.returns == frozenset({k.Return.UPDATE, k.Return.CONTEXT, k.Return.COUNT})
    assert len(command.attributes) == 2
    assert _search(b"RETURN (UPDATE) ALL").attributes == ()
    with pytest.raises(ParseFault):
        _search(b"RETURN (COUNT (UID)) ALL")


def test_modseq() -> None:
    plain = _search(b"MODSEQ 620162338")
    assert (plain.key, plain.has_modseq) == (k.ModSeq(620162338), True)
    full = _search(b'MODSEQ "/flags/\\\\draft" all 620162338')  # RFC 7162 §3.1.5
    assert full.key == plain.key
    assert not _search(b"ALL").has_modseq


@pytest.mark.parametrize(
    ("text", "octets", "word"),
    [
        (b"TEXT \x00", "ü".encode(), "ü"),
        (b"CHARSET UTF-8 TEXT \x00", "мать".encode(), "мать"),
        (b'CHARSET "koi8-r" TEXT \x00', "мать".encode("koi8-r"), "мать"),
        (b"CHARSET iso-8859-1 TEXT \x00", b"\xfc", "ü"),
        (b"CHARSET US-ASCII TEXT \x00", b"a", "a"),
        (b"CHARSET ISO-2022-JP TEXT \x00", "日本".encode("iso2022_jp"), "日本"),
    ],
)
def test_charset(text: bytes, octets: bytes, word: str) -> None:
    assert _search(text, octets).key == k.Anywhere(word)


def test_unknown_charset() -> None:
    with pytest.raises(ParseFault) as caught:
        _search(b"CHARSET X-KLINGON TEXT x")
    assert not caught.value.bad
    assert caught.value.code is not None
    assert caught.value.code.startswith(b"BADCHARSET (US-ASCII UTF-8 ")


@pytest.mark.parametrize("text", [b"TEXT \x00", b"CHARSET UTF-8 TEXT \x00", b"CHARSET US-ASCII TEXT \x00"])
def test_not_in_the_charset(text: bytes) -> None:
    with pytest.raises(ParseFault) as caught:
        _search(text, b"\xff")
    assert caught.value.bad


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"ALL ",
        b"NOPE",
        b"()",
        b"(ALL",
        b"ALL)",
        b"( ALL)",
        b"(ALL )",
        b"ALL  SEEN",
        b"NOT",
        b"NOT ",
        b"OR ALL",
        b"OR",
        b"OR ALL )",
        b"(OR ALL) SEEN",
        b"(NOT) ALL",
        b"FROM",
        b"FROM x y",
        b"HEADER x",
        b'HEADER "" x',
        b"KEYWORD \\Seen",
        b"KEYWORD",
        b"SINCE x",
        b"SINCE 31-Feb-2020",
        b"LARGER x",
        b"LARGER -1",
        b"OLDER 0",
        b"YOUNGER 4294967296",
        b"UID",
        b"UID x",
        b"0",
        b"1,",
        b"RETURN ALL",
        b"RETURN (NOPE) ALL",
        b"RETURN ()",
        b"RETURN (MIN ) ALL",
        b"MODSEQ",
        b"MODSEQ x",
        b'MODSEQ "/flags/x" nobody 1',
        b"EMAILID (x)",
        b'EMAILID "a b"',
        b"THREADID",
        b"CHARSET UTF-8",
        b"NOT(ALL)",
        b"1 RETURN (MIN)",
        b"ALL CHARSET UTF-8",
    ],
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault) as caught:
        _search(text)
    assert caught.value.bad


def test_trailing_space() -> None:
    for text in (b"UNSEEN ", b"UNSEEN   ", b"NOT SEEN "):
        assert _search(text, quirks=frozenset({Quirk.TRAILING_SPACE})).key == k.Not(_SEEN)
    with pytest.raises(ParseFault):
        _search(b"(ALL ) ", quirks=LENIENT)


def test_nesting_is_bounded() -> None:
    deep = b"(" * IMAP_NESTING + b"SEEN" + b")" * IMAP_NESTING
    assert _search(deep).key == _SEEN
    for text in (b"(" + deep + b")", b"NOT " * (IMAP_NESTING + 1) + b"SEEN", b"(" * 60_000):
        with pytest.raises(ParseFault) as caught:
            _search(text)
        assert caught.value.code == b"LIMIT"


def test_many_keys() -> None:
    many = IMAP_SEARCH_KEYS // 2
    chain = b"OR SEEN " * (many - 1) + b"ALL"
    key = _search(chain).key
    assert isinstance(key, k.Or)
    assert len(key.keys) == many
    left = _search(b"OR " * (many - 1) + b"SEEN" + b" ALL" * (many - 1)).key
    assert isinstance(left, k.Or)
    assert len(left.keys) == many
    for text in (b"OR SEEN " * many + b"OR ALL ALL", b"ALL " * IMAP_SEARCH_KEYS + b"ALL"):
        with pytest.raises(ParseFault) as caught:
            _search(text)
        assert caught.value.code == b"LIMIT"
