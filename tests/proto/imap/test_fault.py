"""ParseFault: BAD unless it says otherwise."""

from posthaus.proto.imap.fault import ParseFault


def test_bad_by_default() -> None:
    fault = ParseFault("atom expected")
    assert (fault.text, fault.bad, fault.code) == ("atom expected", True, None)


def test_no_with_a_code() -> None:
    fault = ParseFault("no such charset here", code=b"BADCHARSET", bad=False)
    assert (fault.bad, fault.code) == (False, b"BADCHARSET")
