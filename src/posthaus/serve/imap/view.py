"""The selected mailbox as this client knows it, and what it may be told now.

The view holds the UIDs that the client has been told of, not those that are there. What others do comes from the book
of changes; it waits here until the client may hear it: new messages and flags at any time, expunges never while FETCH,
STORE or SEARCH is answered. MODSEQ is what this view has been told, never above a withheld expunge.

Standards: RFC 9051 §7.4, §7.5.1; RFC 3501 §2.3.2 (\\Recent); RFC 7162 §3.2; RFC 4314 §5.1.1 (PERMANENTFLAGS), §5.2.
Faults:    NoSuchNumber.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from posthaus.base.error import Refusal
from posthaus.mail import uidset
from posthaus.mail.flag import FIRST_KEYWORD_BIT, bit_of, render_flags
from posthaus.mail.rights import ALL, DELETE_MESSAGES, EXPUNGE, INSERT, WRITE, settable
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import code, render
from posthaus.proto.imap.number import SequenceSet
from posthaus.serve.imap.uidmap import UidMap
from posthaus.store.change import Change, Kind

if TYPE_CHECKING:
    from posthaus.serve.imap.context import Context

RECENT = 1 << 63  # a bit that no stored flag has
_MEMO_FLAGS = 1_000  # different sets of flags whose text is kept
_CHANGE_FOR_ALL = WRITE | INSERT | DELETE_MESSAGES | EXPUNGE

SYSTEM_FLAGS = (b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft")
COMMON_KEYWORDS = (b"$Forwarded", b"$MDNSent", b"$Junk", b"$NotJunk", b"$Phishing")


class FlagText(dict[int, bytes]):
    """Flags as a number -> "\\Seen $Forwarded": few sets of flags are in use, so each is written once."""

    def __init__(self, keywords: dict[int, str]) -> None:
        super().__init__()
        self.keywords = keywords
        self.is_behind = False  # a message had a keyword that was made since

    def __missing__(self, flags: int) -> bytes:
        if len(self) >= _MEMO_FLAGS:
            self.clear()
        own = (flags & ~RECENT) >> FIRST_KEYWORD_BIT << FIRST_KEYWORD_BIT
        self.is_behind = self.is_behind or own & ~sum([1 << bit for bit in self.keywords]) != 0
        text = self[flags] = render_flags(flags & ~RECENT, self.keywords, recent=bool(flags & RECENT))
        return text


class NoSuchNumber(Refusal):
    """A message number beyond the last: BAD (RFC 9051 §2.3.1.2)."""


class View:
    """One selected mailbox of one session."""

    __slots__ = (
        "account", "added", "batches", "came", "contexts", "flag_text", "flagged", "gone", "keywords_changed",
        "mailbox", "mailbox_changed", "member", "modseq", "name", "noted", "of_deleted", "own", "read_only",
        "recent_from", "rights", "saved", "touched", "uids", "uidvalidity", "went",
    )  # fmt: skip

    def __init__(
        self,
        account: int,
        mailbox: int,
        name: str,
        uidvalidity: int,
        uids: UidMap,
        modseq: int,
        keywords: dict[int, str],
        *,
        read_only: bool,
        recent_from: int,
        of_deleted: bool = False,
        member: int = 0,
        rights: int = ALL,
    ) -> None:
        self.account = account  # whose mailbox it is
        self.member = member  # who has selected it, where that is not the owner: his \Seen is his own; else 0
        self.rights = rights  # of whoever looks at it, as far as he was told; what he may do, each command asks again
        self.mailbox = mailbox
        self.name = name
        self.uidvalidity = uidvalidity
        self.uids = uids
        self.modseq = self.noted = modseq
        self.flag_text = FlagText(keywords)
        self.read_only = read_only  # whoever looks at it, and whatever he may do
        self.of_deleted = of_deleted  # the view of deleted messages
        self.recent_from = recent_from  # UIDs from here on are \Recent for this session
        self.saved: Ranges = []  # "$" (RFC 9051 §6.4.4.1), UIDs
        self.own: set[int] = set()  # MODSEQs of our own STOREs, whose answer says it all
        self.added: Ranges = []
        self.gone: Ranges = []
        self.flagged: Ranges = []
        self.contexts: dict[bytes, Context] = {}  # searches that are kept up, by tag
        self.batches: dict[tuple[int, tuple[int, int] | None], tuple[int, int]] = {}  # what UIDBATCHES has told
        self.came = self.went = 0  # messages that the client was told of
        self.touched: Ranges = []  # UIDs that are to be held against them again
        self.keywords_changed = False
        self.mailbox_changed = False  # renamed, gone, or with other rights

    def uids_of(self, numbers: SequenceSet, *, uid: bool) -> Ranges:
        """The set as UIDs, rising; a message number that does not exist is a fault of the client."""
        if numbers.saved:
            return self.saved
        if uid:
            return numbers.resolve(self.uids.last_uid)
        ranges = numbers.resolve(len(self.uids))
        if ranges and ranges[-1][1] > len(self.uids):
            raise NoSuchNumber
        return self.uids.uids_of(ranges)

    # -- what others did -------------------------------------------------------------------------------------------

    def note(self, changes: Iterable[Change]) -> None:
        """Takes in what the book says; nothing is told yet."""
        for change in changes:
            if change.mailbox != self.mailbox or change.kind == Kind.ANNOTATION:  # these raise no HIGHESTMODSEQ
                continue
            if self.contexts and change.kind in (Kind.ADDED, Kind.FLAGS):
                self.touched = uidset.normalise(self.touched + uidset.parse(change.uids))
            if change.kind == Kind.ADDED:
                self.added = uidset.normalise(self.added + uidset.parse(change.uids))
            elif change.kind == Kind.GONE:
                self.gone = uidset.normalise(self.gone + uidset.parse(change.uids))
            elif change.kind == Kind.FLAGS:
                if change.modseq not in self.own:
                    self.flagged = uidset.normalise(self.flagged + uidset.parse(change.uids))
            elif change.kind == Kind.SEEN and change.is_for(self.member):
                self._note_seen(change)
            elif change.kind == Kind.KEYWORDS:
                self.keywords_changed = True
            elif change.kind in (Kind.MAILBOX, Kind.ACL):
                self.mailbox_changed = True
            self.noted = max(self.noted, change.modseq)
        if self.own:
            self.own = {modseq for modseq in self.own if modseq > self.noted}

    def _note_seen(self, change: Change) -> None:
        _, uids = change.seen
        if self.contexts:
            self.touched = uidset.normalise(self.touched + uids)
        if change.modseq not in self.own:
            self.flagged = uidset.normalise(self.flagged + uids)

    def settle(self) -> None:
        """Where nothing is left to be told, the client knows of all up to here."""
        if not self.has_news:
            self.modseq = self.noted

    @property
    def has_news(self) -> bool:
        told = self.added or self.gone or self.flagged or self.touched
        return bool(told or self.keywords_changed or self.mailbox_changed)

    # -- what the client is told -----------------------------------------------------------------------------------

    def tell_gone(self, *, by_uid: bool = False) -> bytes:
        """EXPUNGE for what is withheld, last first, so that no number shifts before it is used; or VANISHED."""
        if not self.gone:
            return b""
        known = [(low, high) for _, low, high in self.uids.pieces(self.gone)]
        numbers = self.uids.remove(self.gone)
        self.went += uidset.count(known)
        # what came and went before it was told is told neither way
        self.added = uidset.subtract(uidset.normalise(self.added), self.gone)
        self.flagged = uidset.subtract(self.flagged, self.gone)
        self.saved = uidset.subtract(self.saved, self.gone)
        self.gone = []
        if by_uid:
            return render.vanished(uidset.render(known).encode("ascii")) if known else b""
        return b"".join([render.expunge(n) for first, last in reversed(numbers) for n in range(last, first - 1, -1)])

    def tell_added(self, *, recent: bool) -> bytes:
        """EXISTS, and RECENT where this client still wants it."""
        last = self.uids.last_uid
        added = [span for span in uidset.normalise(self.added) if span[1] > last]
        self.added = []
        if not added:
            return b""
        for first, last_added in added:
            self.uids.add(first, last_added)
        self.came += uidset.count(added)
        told = render.exists(len(self.uids))
        return told + render.recent(self.recent) if recent else told

    @property
    def recent(self) -> int:
        return self.uids.count_from(self.recent_from)

    def flags_to_tell(self) -> Ranges:
        """UIDs whose flags others have changed, of those the client knows; taken away from what waits."""
        flagged = [(low, high) for _, low, high in self.uids.pieces(self.flagged)]
        self.flagged = []
        return flagged

    # -- rights and flags ------------------------------------------------------------------------------------------

    @property
    def access_code(self) -> bytes:
        """RFC 4314 §5.2: who may change nothing but his own \\Seen is told that he reads only, though he may."""
        return code.READ_WRITE if not self.read_only and self.rights & _CHANGE_FOR_ALL else code.READ_ONLY

    @property
    def may_set(self) -> int:
        """Flags, as bits."""
        return 0 if self.read_only else settable(self.rights)

    def tell_rights(self, rights: int) -> bytes:
        """He has these now: what of it the client can see (RFC 4314 §5.1.1, RFC 9051 §7.1)."""
        access, flags = self.access_code, self.may_set
        self.rights = rights
        told = self.flags_lines() if self.may_set != flags else b""
        return told if self.access_code == access else told + b"* OK [%b] Access has changed\r\n" % self.access_code

    def keyword_names(self) -> list[bytes]:
        return [*COMMON_KEYWORDS, *(name.encode("ascii", "replace") for name in self.flag_text.keywords.values())]

    def flags_lines(self) -> bytes:
        """FLAGS and PERMANENTFLAGS."""
        return _flags_lines(tuple(self.keyword_names()), self.may_set)


@lru_cache(1_000)  # of some hundred octets; nearly all mailboxes have the same
def _flags_lines(keywords: tuple[bytes, ...], may_set: int) -> bytes:
    flags = [*SYSTEM_FLAGS, *keywords]
    bits = [FIRST_KEYWORD_BIT if (bit := bit_of(flag)) is None else bit for flag in (*flags, b"\\*")]
    permanent = [
        flag for flag, bit in zip((*flags, b"\\*"), bits, strict=True) if may_set >> bit & 1
    ]  # RFC 4314 §5.1.1
    return render.flags_line(flags) + b"* OK [%b] Flags that stay\r\n" % code.permanent_flags(permanent)
