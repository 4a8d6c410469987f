"""Who has selected another's mailbox, and is given more rights to it: they count from the next command on."""

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

ANNA, BEN = "anna@example.test", "ben@example.test"
OTHERS = f"Other users/{ANNA}"
MAIL = b"Subject: x\r\n\r\n.\r\n"


@pytest.fixture
def house(either: ImapHouse) -> ImapHouse:
    return either


async def reader(house: ImapHouse, rights: str, *flags: str) -> tuple[Client, Client]:
    """Anna's INBOX with a message for each of these flags, and Ben, who has selected it with these rights."""
    anna, ben = await house.login(ANNA), await house.login(BEN)
    for each in flags:
        await anna.append("INBOX", MAIL, f"({each})")
    await anna.ok("CREATE p")
    await anna.ok(f"SETACL p {BEN} i")
    await anna.ok(f"SETACL INBOX {BEN} {rights}")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    return anna, ben


# RFC 4314 §4: a server checks rights before it executes a command; §5.1.1 lets it remember them, which we do not
@pytest.mark.parametrize(
    ("command", "right"),
    [
        ("STORE 1 +FLAGS.SILENT (\\Seen)", "s"),
        ("STORE 1 +FLAGS.SILENT (\\Flagged)", "w"),
        ("STORE 1 -FLAGS.SILENT (\\Deleted)", "t"),
        ("EXPUNGE", "e"),
        ("UID EXPUNGE 1", "e"),
        (f'MOVE 1 "{OTHERS}/p"', "te"),
        (f'REPLACE 1 "{OTHERS}/p" {{{len(MAIL)}+}}\r\n{MAIL.decode()}', "te"),
    ],
)
@pytest.mark.parametrize("had", ["r", "lr", "lrp"])
async def test_what_he_may_now_he_can_do_at_once(
    house: ImapHouse, had: str, command: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bell is needed for that, as none is for rights that are taken away."""
    anna, ben = await reader(house, had, "\\Deleted")
    monkeypatch.setattr("posthaus.store.bell.Bells.ring", lambda self, touched: None)
    assert (await ben.do(command))[-1].startswith("NO [NOPERM]")
    await anna.ok(f"SETACL INBOX {BEN} +{right}")
    await ben.ok(command)


async def test_reading_marks_as_soon_as_it_may(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben = await reader(house, "lr", "\\Flagged")
    monkeypatch.setattr("posthaus.store.bell.Bells.ring", lambda self, touched: None)
    assert "\\Seen" not in "".join(await ben.ok("FETCH 1 BODY[]"))
    await anna.ok(f"SETACL INBOX {BEN} +s")
    assert "\\Seen" in "".join(await ben.ok("FETCH 1 BODY[]"))


async def test_leaving_expunges_as_soon_as_it_may(house: ImapHouse) -> None:
    anna, ben = await reader(house, "lr", "\\Deleted")
    await anna.ok(f"SETACL INBOX {BEN} +e")
    await ben.ok("CLOSE")
    assert await anna.ok("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 0)"]


async def test_who_has_it_open_for_reading_only_goes_on_so(house: ImapHouse) -> None:
    anna, ben = await reader(house, "lr", "\\Deleted")
    await ben.ok(f'EXAMINE "{OTHERS}/INBOX"')
    await anna.ok(f"SETACL INBOX {BEN} +swte")
    assert await ben.ok("NOOP") == []
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "MOVE 1 INBOX"):
        assert (await ben.do(command))[-1].startswith("NO [READ-ONLY]")
    assert "\\Seen" not in "".join(await ben.ok("FETCH 1 BODY[]"))


# RFC 4314 §5.1.1 (FLAGS and PERMANENTFLAGS if they have changed); RFC 9051 §7.1 (READ-WRITE: "its access while selected
# has changed from read-only to read-write")
async def test_what_has_changed_is_told(house: ImapHouse) -> None:
    anna, ben = await reader(house, "lr")
    for rights, told in (
        ("lrs", ["* OK [PERMANENTFLAGS (\\Seen)] Flags that stay"]),
        ("lrsp", []),
        ("lrspe", ["* OK [READ-WRITE] Access has changed"]),
        (
            "lrspte",
            ["* OK [PERMANENTFLAGS (\\Deleted \\Seen)] Flags that stay"],
        ),
        (
            "lrp",
            ["* OK [PERMANENTFLAGS ()] Flags that stay", "* OK [READ-ONLY] Access has changed"],
        ),
        ("lrpi", ["* OK [READ-WRITE] Access has changed"]),
    ):
        await anna.ok(f"SETACL INBOX {BEN} {rights}")
        assert [line for line in await ben.ok("NOOP") if not line.startswith("* FLAGS")] == told, rights


async def test_the_owner_is_asked_nothing_more(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, _ = await reader(house, "lr", "\\Flagged", "\\Deleted")
    await anna.ok("SELECT INBOX")
    monkeypatch.setattr("posthaus.store.acl.rights", None)  # whoever asks falls
    for command in ("FETCH 1 BODY[]", "STORE 1 +FLAGS (\\Answered)", "EXPUNGE", "COPY 1 p", "NOOP", "CLOSE"):
        await anna.ok(command)
