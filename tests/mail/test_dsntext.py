"""The words of a DSN."""

from posthaus.mail.dsntext import render, subject
from posthaus.mail.fate import Action, Dsn, Fate, Original

ORIGINAL = Original(b"", False, "Offer", "m1@example.org", "t1")


def _dsn(*fates: Fate) -> Dsn:
    return Dsn("mail.example.org", fates, 1_767_225_600)


def test_the_worst_decides() -> None:
    failed, late = Fate("a@b.example", Action.FAILED, "5.1.1"), Fate("c@b.example", Action.DELAYED, "4.4.1")
    assert subject(_dsn(late, failed), ORIGINAL) == "Not delivered: Offer"
    assert subject(_dsn(late), ORIGINAL) == "Not delivered yet: Offer"
    assert subject(_dsn(late), Original(b"", False)) == "Your message is delayed"
    assert subject(_dsn(Fate("a@b", Action.EXPANDED, "2.0.0")), ORIGINAL) == "Delivered: Offer"


def test_delay() -> None:
    text = render(_dsn(Fate("c@b.example", Action.DELAYED, "4.4.1", reason="it timed out", retry_until=0)), ORIGINAL)
    assert text == (
        "This is the post office at mail.example.org.\n"
        "\n"
        "Your message could not be delivered to c@b.example so far. You need not\n"
        "do anything: it is tried again until Thu, 01 Jan 1970 00:00:00 +0000.\n"
        "\n"
        "    The other server did not answer. The reason: it timed out.\n"
        "\n"
        "Your message:\n"
        "    Subject: Offer\n"
        "    It came to us: Thu, 01 Jan 2026 00:00:00 +0000\n"
        "\n"
        "The header of your message is attached. If you ask for help, tell this\n"
        "number: t1\n"
    )


def test_several() -> None:
    text = render(
        _dsn(
            Fate("a@b.example", Action.FAILED, "5.2.2", remote="mx.b.example", said="552-5.2.2 full\n552 sorry"),
            Fate("c@b.example", Action.FAILED, "5.0.0", "rfc822;list@b.example", said="550 go away"),
            Fate("d@b.example", Action.RELAYED, "2.0.0"),
            Fate("e@b.example", Action.RELAYED, "2.0.0"),
        ),
        Original(b"", True),
    )
    assert text == (
        "This is the post office at mail.example.org.\n"
        "\n"
        "Your message could not be delivered to these 2 recipients. It is not\n"
        "tried any more.\n"
        "\n"
        "a@b.example\n"
        "\n"
        "    The mailbox is full. The server mx.b.example said:\n"
        "\n"
        "        552-5.2.2 full\n"
        "        552 sorry\n"
        "\n"
        "    Send the message again later, or tell the person in another way.\n"
        "\n"
        "c@b.example (you wrote to list@b.example)\n"
        "\n"
        "    The server there does not take mail for this address. The other\n"
        "    server said:\n"
        "\n"
        "        550 go away\n"
        "\n"
        "    Check the address for a typing mistake, or ask the person for the\n"
        "    right one in another way.\n"
        "\n"
        "Your message was passed on for these 2 recipients. The server there does\n"
        "not tell what becomes of it, so this is the last that you hear from us.\n"
        "\n"
        "    d@b.example\n"
        "    e@b.example\n"
        "\n"
        "Your message:\n"
        "    (without a subject)\n"
        "    It came to us: Thu, 01 Jan 2026 00:00:00 +0000\n"
        "\n"
        "Your message is attached whole.\n"
    )


def test_given_up() -> None:
    """RFC 3463 §3.5: the last answer says more than the time that has passed."""
    text = render(_dsn(Fate("c@b.example", Action.FAILED, "4.2.2", remote="mx", said="452 4.2.2 full")), ORIGINAL)
    assert (
        "    It was tried again and again until the time for that was over. Send\n"
        "    the message again later, or tell the person in another way.\n"
    ) in text
