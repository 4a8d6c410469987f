"""Response codes with arguments."""

import pytest

from posthaus.proto.imap import code


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        (code.append_uid(38505, [3955]), b"APPENDUID 38505 3955"),
        (code.copy_uid(38505, [304, 319, 320], [3956, 3957, 3958]), b"COPYUID 38505 304,319:320 3956:3958"),
        (code.capability((b"IMAP4rev2", b"IDLE")), b"CAPABILITY IMAP4rev2 IDLE"),
        (code.permanent_flags([b"\\Deleted", b"\\*"]), b"PERMANENTFLAGS (\\Deleted \\*)"),
        (code.permanent_flags([]), b"PERMANENTFLAGS ()"),
        (code.uid_next(4392), b"UIDNEXT 4392"),
        (code.uid_validity(3857529045), b"UIDVALIDITY 3857529045"),
        (code.unseen(12), b"UNSEEN 12"),
        (code.highest_modseq(715194045007), b"HIGHESTMODSEQ 715194045007"),
        (code.modified([7, 9]), b"MODIFIED 7,9"),
        (code.mailbox_id(b"F2212ea87-6097"), b"MAILBOXID (F2212ea87-6097)"),
        (code.bad_charset(["UTF-8"]), b"BADCHARSET (UTF-8)"),
    ],
)
def test_codes(octets: bytes, wanted: bytes) -> None:
    assert octets == wanted
