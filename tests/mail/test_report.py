"""multipart/report, read: what is there for programs, and the header of the message that it speaks of."""

from tests.mail.reports import report_in


def _message(*parts: bytes) -> bytes:
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/report; boundary=x\r\n\r\n" + body + b"--x--\r\n"


STATUS = b"Content-Type: message/delivery-status\r\n\r\nA: 1\r\nB: 2\r\n \t\r\n\r\nC: 3\r\n"


def test_groups() -> None:
    report = report_in(_message(STATUS))
    assert report is not None and report.kind == "delivery-status"
    assert [group.names for group in report.groups] == [[b"a", b"b"], [b"c"]]
    assert not report.returned.raws


def test_encoded() -> None:
    """RFC 6533 §6: the global forms may have any transfer encoding."""
    status = b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\nQTogMQ0K"
    head = (
        b"Content-Type: message/global-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nX: =3D\r\n\r\nY: 1"
    )
    report = report_in(_message(status, head))
    assert report is not None
    assert report.groups[0].value(b"a") == b"1"
    assert report.returned.value(b"x") == b"=" and report.returned.value(b"y") is None


def test_returned_message() -> None:
    report = report_in(_message(STATUS, b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nbody"))
    assert report is not None and report.returned.value(b"subject") == b"y"


def test_nothing() -> None:
    assert report_in(b"Subject: x\r\n\r\nhello") is None
    assert report_in(_message(b"\r\nhello")) is None


def test_many_groups() -> None:
    """It is read as far as a report may go, and no further."""
    report = report_in(_message(b"Content-Type: message/delivery-status\r\n\r\n" + b"A: 1\r\n\r\n" * 5_000))
    assert report is not None and len(report.groups) == 1_001
