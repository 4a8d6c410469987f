"""Parameters of MAIL and RCPT, and replies."""

import pytest

from posthaus.mail.address import Address
from posthaus.mail.envelope import DeliverBy, Envelope, Recipient
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.param import CommandFault, decode_xtext, parse_mail_parameters, parse_rcpt_parameters
from posthaus.proto.smtp.reply import Reply

A = Address("a", "b.example")
ALL = Offer(requiretls=True, deliver_by_s=60, priority="MIXER", hold_s=1, hold_until=1)

MAIL: list[tuple[bytes, Envelope | Reply]] = [
    (b"", Envelope(A)),
    (b" SIZE=100", Envelope(A, size=100)),
    (b" size=0 body=8bitmime", Envelope(A, size=0, body="8BITMIME")),
    (b" BODY=BINARYMIME SMTPUTF8", Envelope(A, body="BINARYMIME", smtputf8=True)),
    (b" RET=hdrs ENVID=QQ+2B1", Envelope(A, ret="HDRS", envid=b"QQ+2B1")),
    (b" AUTH=<>", Envelope(A)),
    (b" AUTH=e+3Dmc2@b.example", Envelope(A)),
    (b" AUTH=a=b", reply.PARAMETER_SYNTAX),
    (b" SIZE", reply.PARAMETER_SYNTAX),
    (b" SIZE=-1", reply.PARAMETER_SYNTAX),
    (b" SIZE=" + b"9" * 21, reply.PARAMETER_SYNTAX),
    (b" SIZE=1 SIZE=1", reply.PARAMETER_SYNTAX),
    (b" BODY=7", reply.PARAMETER_SYNTAX),
    (b" SMTPUTF8=yes", reply.PARAMETER_SYNTAX),
    (b" RET=NONE", reply.PARAMETER_SYNTAX),
    (b" ENVID=", reply.PARAMETER_SYNTAX),
    (b" ENVID=+0D+0AX", reply.PARAMETER_SYNTAX),
    (b" ENVID=" + b"x" * 101, reply.PARAMETER_SYNTAX),
    (b" =x", reply.PARAMETER_SYNTAX),
    (b" MT-PRIORITY=3", Envelope(A, priority=3)),
    (b" mt-priority=-9", Envelope(A, priority=-9)),
    (b" MT-PRIORITY=0", Envelope(A)),
    (b" MT-PRIORITY=-0", reply.PARAMETER_SYNTAX),
    (b" MT-PRIORITY=+1", reply.PARAMETER_SYNTAX),
    (b" MT-PRIORITY=10", reply.PARAMETER_SYNTAX),
    (b" MT-PRIORITY", reply.PARAMETER_SYNTAX),
    (b" REQUIRETLS", Envelope(A, requiretls=True)),
    (b" REQUIRETLS=yes", reply.PARAMETER_SYNTAX),
    (b" BY=120;R", Envelope(A, deliver_by=DeliverBy(120, "R"))),
    (b" by=-3600;nt", Envelope(A, deliver_by=DeliverBy(-3600, "N", trace=True))),
    (b" BY=+0;N", Envelope(A, deliver_by=DeliverBy(0, "N"))),
    (b" BY=0;R", reply.PARAMETER_SYNTAX),
    (b" BY=-1;R", reply.PARAMETER_SYNTAX),
    (b" BY=1234567890;N", reply.PARAMETER_SYNTAX),
    (b" BY=120", reply.PARAMETER_SYNTAX),
    (b" BY=120;X", reply.PARAMETER_SYNTAX),
    (b" BY", reply.PARAMETER_SYNTAX),
    (b" HOLDFOR=86400", Envelope(A, hold_for=86_400)),
    (b" HOLDFOR=0", reply.PARAMETER_SYNTAX),
    (b" HOLDFOR=0600", reply.PARAMETER_SYNTAX),
    (b" HOLDFOR=1234567890", reply.PARAMETER_SYNTAX),
    (b" HOLDUNTIL=2026-01-02T00:00:00Z", Envelope(A, hold_until=1_767_312_000)),
    (b" HOLDUNTIL=2026-01-02T00:00:00.25z", Envelope(A, hold_until=1_767_312_000)),
    (b" HOLDUNTIL=2026-02-30T00:00:00Z", reply.PARAMETER_SYNTAX),
    (b" HOLDUNTIL=2026-01-02T00:00:00+01:00", reply.PARAMETER_SYNTAX),
    (b" HOLDUNTIL=tomorrow", reply.PARAMETER_SYNTAX),
    (b" HOLDFOR=60 HOLDUNTIL=2026-01-02T00:00:00Z", reply.PARAMETER_SYNTAX),
    (b" HOLDUNTIL=2026-01-02T00:00:00Z HOLDFOR=60", reply.PARAMETER_SYNTAX),
    (b" NOTIFY=NEVER", reply.PARAMETER_UNKNOWN),
]


@pytest.mark.parametrize(
    "octets",
    [b" REQUIRETLS", b" BY=120;R", b" MT-PRIORITY=3", b" HOLDFOR=1", b" HOLDUNTIL=2026-01-02T00:00:00Z", b" HOLDFOR"],
)
def test_what_is_not_announced_is_not_known(octets: bytes) -> None:
    with pytest.raises(CommandFault) as caught:
        parse_mail_parameters(octets, lambda utf8: A, Offer())
    assert caught.value.answer is reply.PARAMETER_UNKNOWN


@pytest.mark.parametrize(("octets", "wanted"), MAIL)
def test_mail(octets: bytes, wanted: Envelope | Reply) -> None:
    if isinstance(wanted, Envelope):
        assert parse_mail_parameters(octets, lambda utf8: A, ALL) == wanted
        return
    with pytest.raises(CommandFault) as caught:
        parse_mail_parameters(octets, lambda utf8: A, ALL)
    assert caught.value.answer is wanted


RCPT: list[tuple[bytes, Recipient | Reply]] = [
    (b"", Recipient(A)),
    (b" NOTIFY=never", Recipient(A, notify=frozenset({"NEVER"}))),
    (b" NOTIFY=SUCCESS,delay", Recipient(A, notify=frozenset({"SUCCESS", "DELAY"}))),
    (b" ORCPT=rfc822;x+2By@z", Recipient(A, b"rfc822;x+2By@z")),
    (b" ORCPT=utf-8;j\\x{F6}rg@z", Recipient(A, b"utf-8;j\\x{F6}rg@z")),
    (b" NOTIFY=NEVER,DELAY", reply.PARAMETER_SYNTAX),
    (b" NOTIFY=", reply.PARAMETER_SYNTAX),
    (b" NOTIFY=SUCCESS,", reply.PARAMETER_SYNTAX),
    (b" ORCPT=x", reply.PARAMETER_SYNTAX),
    (b" ORCPT=rfc822;", reply.PARAMETER_SYNTAX),
    (b" ORCPT=rfc822;a+0Ab", reply.PARAMETER_SYNTAX),
    (b" ORCPT=rfc822;a+zz", reply.PARAMETER_SYNTAX),
    (b" ORCPT=rfc822;" + b"x" * 500, reply.PARAMETER_SYNTAX),
    (" ORCPT=utf-8;jörg@z".encode(), reply.PARAMETER_SYNTAX),
    (b" SIZE=1", reply.PARAMETER_UNKNOWN),
]


@pytest.mark.parametrize(("octets", "wanted"), RCPT)
def test_rcpt(octets: bytes, wanted: Recipient | Reply) -> None:
    if isinstance(wanted, Recipient):
        assert parse_rcpt_parameters(octets, A, smtputf8=False) == wanted
        return
    with pytest.raises(CommandFault) as caught:
        parse_rcpt_parameters(octets, A, smtputf8=False)
    assert caught.value.answer is wanted


def test_an_internationalized_orcpt_needs_smtputf8() -> None:
    value = " ORCPT=utf-8;jörg@z".encode()
    assert parse_rcpt_parameters(value, A, smtputf8=True).orcpt == value[7:]


def test_xtext() -> None:
    assert decode_xtext(b"a+2Bb+3Dc") == b"a+b=c"
