"""NOTIFY: its grammar, and which events go together."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap.command import EventGroup, Notify, NotifyEvent
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.mailboxfilter import MailboxFilter, Which
from posthaus.proto.imap.section import Plain

NEW, GONE, FLAGS = NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE


def read(text: bytes) -> Notify:
    command = parse_command(b"t NOTIFY " + text)
    assert isinstance(command, Notify)
    return command


def test_none() -> None:
    assert read(b"NONE") == Notify(b"t", ())


def test_set() -> None:
    # RFC 5465 §8
    assert read(
        b"SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge flagchange)) (subtree Lists (MailboxName))"
    ) == Notify(
        b"t",
        (
            EventGroup(MailboxFilter(Which.SELECTED), frozenset({NEW, GONE, FLAGS}), (Plain.UID, Plain.FLAGS)),
            EventGroup(MailboxFilter(Which.SUBTREE, ("Lists",)), frozenset({NotifyEvent.MAILBOX_NAME})),
        ),
        status=True,
    )
    assert read(b"SET (personal NONE)").groups == (EventGroup(MailboxFilter(Which.PERSONAL), frozenset()),)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SET",
        b"SET STATUS",
        b"SOME",
        b"NONE x",
        b"SET (personal)",
        b"SET (personal ())",
        b"SET (personal (MessageNew MessageExpunge)) x",
        b"SET (personal (MessageExpunge))",
        b"SET (personal (FlagChange))",
        b"SET (subtree-one a (MailboxName))",
        b"SET (selected (SubscriptionChange))",
        b"SET (selected NONE) (selected NONE)",
    ],
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault) as caught:
        read(text)
    assert caught.value.bad


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"SET (personal (AnnotationChange))", b"BADEVENT (MessageNew "),
        (b"SET" + b" (personal NONE)" * 60, b"NOTIFICATIONOVERFLOW"),
    ],
)
def test_refused(text: bytes, code: bytes) -> None:
    with pytest.raises(ParseFault) as caught:
        read(text)
    assert not caught.value.bad
    assert caught.value.code is not None
    assert caught.value.code.startswith(code)
