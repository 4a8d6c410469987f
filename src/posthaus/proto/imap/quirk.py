"""Peculiarities of clients, each by name: faults that are tolerated, and expectations that are met.

A `Quirk` is a fault. It is off in strict mode: then the same octets are answered with BAD. The engine tells each one
that it meets, so that a metric counts them and a leniency that nobody needs any more can be taken away.

A `Need` is no fault: the client keeps to the grammar, and a server that does otherwise than we do, mostly within the
RFCs, does it harm. Nothing here switches it; its script holds us to it.

Standards: RFC 1122 §1.2.2 (be liberal in what you accept), RFC 9051 §9.
Faults:    none.
"""

from enum import Enum

from posthaus.proto.quirk import Case

_DOVECOT = "Dovecot, src/imap"
_DEFECTS = "github.com/modern-email/defects"


class Quirk(Enum):
    """A fault that is tolerated."""

    BARE_LF = Case(
        "nc, openssl s_client", "a line that ends with LF alone", "it is a line", "sessions that are typed by hand"
    )
    EMPTY_LINE = Case(
        "iOS Mail; MailKit",
        "an empty line between commands, or once more CRLF after a literal",
        "it is passed over",
        "github.com/stalwartlabs/stalwart#1201; github.com/jstedfast/MailKit#1918",
    )
    TRAILING_SPACE = Case(
        "clients that put SEARCH together from options", "a space before CRLF", "it is passed over", "Dovecot, Cyrus"
    )
    DOUBLE_SPACE = Case(
        "commands put together from empty options", "two spaces between arguments", "they are one", "Dovecot, Cyrus"
    )
    SPACE_MISSING = Case(
        "scripts",
        'no space before a parenthesis: "STATUS INBOX(MESSAGES)", "+FLAGS(\\Seen)"',
        "it is read as if there were one",
        "Dovecot, Cyrus",
    )
    RECENT_FLAG = Case(
        "copying tools that give back all that they have read",
        "\\Recent among the flags of STORE or APPEND",
        "it is left out",
        "isync, imapsync",
    )
    EIGHT_BIT_QUOTED = Case(
        "clients that send passwords and words to search for in UTF-8",
        "octets above 127 in a quoted string before ENABLE",
        "they are UTF-8",
        "Dovecot, Cyrus",
    )
    UTF8_NAME = Case(
        "clients that know no modified UTF-7", "a mailbox name in raw UTF-8 before ENABLE", "it is one", "Dovecot"
    )
    SHORT_DAY = Case(
        "APPEND of scripts",
        '"1-Jan-2026 ..." for " 1-Jan-2026 ..."',
        "it is the same day",
        "Python's imaplib with a date of one's own",
    )
    RFC822_PEEK = Case(
        "Outlook 2007 and later",
        "RFC822.PEEK in FETCH, gone from IMAP since 1996",
        "it is BODY.PEEK[], and told as RFC822",
        "[MS-STANOIMAP] V0054 ff.; github.com/emersion/go-imap#657",
    )
    CHANGED_SINCE_ZERO = Case(
        "iOS Mail 16.5, of an account whose server has learnt CONDSTORE",
        "CHANGEDSINCE 0 in FETCH",
        "everything has changed since",
        f"{_DEFECTS}#29; mox, imapserver/fetch.go",
    )
    EXTRA_SEPARATOR = Case(
        "Thunderbird",
        "a separator at the end of a mailbox's name, in any command",
        "it is left out; in CREATE it has a meaning of its own",
        f"{_DOVECOT}: imap_client_workarounds tb-extra-mailbox-sep",
    )


LENIENT: frozenset[Quirk] = frozenset(Quirk)
STRICT: frozenset[Quirk] = frozenset()


class Need(Enum):
    """What a client relies upon, and a server could do otherwise."""

    BYE_TEXT = Case(
        "Outlook 2016",
        "cannot read BYE without a text",
        "every BYE has one",
        "github.com/dbmail/dbmail#46",
    )
    IDLE_FOR_EVER = Case(
        "Outlook, Outlook Express",
        "never end an IDLE by themselves, and do not connect again when it is ended for them",
        "who idles is not logged out: after half an hour it hears OK, which also finds out who is gone",
        f"{_DOVECOT}/cmd-idle.c, and the outlook-idle workaround before it",
    )
    LSUB_SPECIAL_USE = Case(
        "Outlook 2013",
        "looks for \\Sent and the others in LSUB",
        "LSUB tells them as LIST does",
        f"{_DOVECOT}/cmd-list.c",
    )
    LSUB_NEVER_NO = Case(
        "Outlook",
        "throws away what it has of the messages when LSUB is answered with NO",
        "it is OK, also where nothing matches or what is subscribed is gone",
        "Cyrus, murder-installation.rst",
    )
    MODSEQ_UNASKED = Case(
        "older Outlooks",
        "cannot read a FETCH response with a MODSEQ that it did not ask for",
        "there is none before the client shows that it knows of them",
        "Dovecot, NEWS of 2.2.6",
    )
    NO_UIDONLY = Case(
        "Outlook (Microsoft 365)",
        "enables UIDONLY where it is announced, and then uses message numbers",
        "it is neither announced nor enabled for who says by ID that it is of Microsoft",
        f"{_DEFECTS}#49; mox#388",
    )
    LIST_SPECIAL_USE = Case(
        "iPhone 5 and later",
        "looks for \\Sent and the others in a plain LIST",
        "they are told in every LIST",
        "Cyrus#1514",
    )
    IDLE_PIPELINED = Case(
        "iOS Mail 18",
        "sends DONE and further commands without waiting for the continuation of IDLE",
        "they are done in turn",
        "github.com/stalwartlabs/stalwart#765",
    )
    ANSWERS_IN_ORDER = Case(
        "Apple Mail 3.2",
        "takes tagged answers to come in the order of its commands",
        "they do",
        f"{_DOVECOT}/imap-sync.c",
    )
    STATUS_SELECTED = Case(
        "Apple Mail, iOS Mail, mutt",
        "ask for the STATUS of the mailbox that is selected",
        "it is answered as for any other",
        "RFC 9051 §6.3.11 advises against it; mutt's imap.c",
    )
    LSUB_NOSELECT = Case(
        "Thunderbird",
        "offers every name of LSUB for opening that is not \\Noselect",
        "LSUB tells it of what cannot be selected",
        f"{_DOVECOT}: imap_client_workarounds tb-lsub-flags",
    )
    RAW_AMPERSAND = Case(
        "Thunderbird 115",
        'writes "&" as it is in names of mailboxes once UTF8=ACCEPT is enabled',
        "names are UTF-8 from there on, and modified UTF-7 is not read",
        "mox, imapserver/parse.go",
    )
    UID_BEYOND_LAST = Case(
        "Thunderbird",
        "asks for new mail by UID FETCH UIDNEXT:*, and takes the last message where there is none",
        '"*" is the last one, whichever end it stands at',
        "Thunderbird, nsImapProtocol.cpp; RFC 9051 §9 (seq-range)",
    )
    LAST_OF_NONE = Case(
        "K-9 Mail, Thunderbird for Android",
        "asks for the highest UID by UID SEARCH *:*, also of an empty mailbox",
        "nothing is found; it is no fault",
        "Thunderbird for Android, RealImapFolder.kt",
    )
    LIST_DELIMITER = Case(
        "K-9 Mail, mutt",
        'ask for the separator by LIST "" ""',
        "one line, whose name is empty",
        "Thunderbird for Android, RealImapConnection.kt; NeoMutt, imap.c",
    )
    LITERAL_BODY = Case(
        "K-9 Mail, Thunderbird for Android",
        "streams a body only where it comes as a literal",
        "sections are literals, however short",
        "Thunderbird for Android, FetchBodyCallback and FetchPartCallback",
    )
    FALLING_UIDS = Case(
        "K-9 Mail, Thunderbird for Android",
        "names UIDs from the newest to the oldest",
        "a set may fall; answers come in the order of the mailbox",
        "Thunderbird for Android, RealImapFolder.kt",
    )
    PARTIAL_BEYOND_END = Case(
        "FairEmail (Jakarta Mail)",
        "fetches a part piece by piece until one is short or empty",
        "beyond the end there is an empty string, no NIL and no fault",
        "Jakarta Mail, mail.imap.fetchsize",
    )
    INBOX_SPELLING = Case(
        "FairEmail, Roundcube",
        "know the inbox as INBOX only",
        "it is told in capitals, however it was asked for",
        f"{_DEFECTS}#8",
    )
    QUEUED_COMMANDS = Case(
        "NeoMutt",
        "sends ENABLE, LIST and LSUB in one flight after log-in",
        "they are done in turn",
        "NeoMutt, imap.c",
    )
    TRYCREATE_FIRST = Case(
        "mutt",
        "offers to make the mailbox only where NO begins with [TRYCREATE]",
        "it does",
        "NeoMutt, imap.c and message.c",
    )
    ODD_FIELDS = Case(
        "mutt, K-9 Mail",
        "ask for header fields that hardly any message has, in any case",
        "what is there is told, with the label as it was written",
        "NeoMutt, message.c; Thunderbird for Android, RealImapFolder.kt",
    )
