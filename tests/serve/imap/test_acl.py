"""Who may do what with another's mailbox: each command with each right given and not given, in each way of giving."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from posthaus.base import limit
from posthaus.base.setting import MailSetting
from posthaus.mail.flag import ANSWERED, DELETED
from posthaus.mail.rights import ALL, LETTERS, parse_rights
from posthaus.store import acl, mailbox, message
from posthaus.store.acl import ANYONE, Mode
from posthaus.store.message import Placing
from posthaus.testing.imaphouse import NOW, Client, ImapHouse, imap_house
from posthaus.testing.storehouse import made_up

ANNA, BEN, CLEO = "anna@example.test", "ben@example.test", "cleo@example.test"
OTHERS = f"Other users/{ANNA}"
MAIL = b"Subject: x\r\n\r\n.\r\n"
APPENDED = f" {{{len(MAIL)}+}}\r\n{MAIL.decode()}"


def succeeded(heard: list[str]) -> bool:
    return heard[-1].startswith("OK")


def told(*words: str) -> Callable[[list[str]], bool]:
    """Success is to be told of something."""
    return lambda heard: succeeded(heard) and any(all(word in line for word in words) for line in heard[:-1])


@dataclass(frozen=True, slots=True)
class Case:
    command: str  # {box}: the mailbox; {n}: something that no other play of the case has
    needs: str  # all of these
    any_of: str = ""  # and one of these
    is_selected: bool = False
    has_worked: Callable[[list[str]], bool] = succeeded


CASES = [
    # RFC 4314 §4, the table; names, not messages
    Case('LIST "" "{box}"', "l", has_worked=told("LIST", "/{n}")),
    Case('LIST "" "{box}" RETURN (MYRIGHTS)', "l", has_worked=told("MYRIGHTS", "/{n}")),
    Case('LIST "" "{box}" RETURN (STATUS (MESSAGES))', "lr", has_worked=told("STATUS", "/{n}")),
    Case('LIST "" "{box}" RETURN (METADATA (/shared/x))', "l", "rswip", has_worked=told("METADATA", "/{n}")),
    Case('SUBSCRIBE "{box}"', ""),
    Case('UNSUBSCRIBE "{box}"', ""),
    Case('CREATE "{box}/new"', "k"),
    Case('CREATE "{box}/deep/new"', "k"),
    Case('DELETE "{box}"', "x"),
    Case('RENAME "{box}" "{box} too"', "never"),  # the top of another's tree
    Case('RENAME "{box}/below" "{box}/else"', "xk"),
    Case('SELECT "{box}"', "r"),
    Case('EXAMINE "{box}"', "r"),
    Case('STATUS "{box}" (MESSAGES UNSEEN)', "r"),
    Case('GETQUOTAROOT "{box}"', "r"),
    Case(f'SETACL "{{box}}" {CLEO} lr', "a"),
    Case(f'DELETEACL "{{box}}" {CLEO}', "a"),
    Case('GETACL "{box}"', "a"),
    Case(f'LISTRIGHTS "{{box}}" {CLEO}', "a"),
    Case('MYRIGHTS "{box}"', "", "lrikxa"),
    Case('GETMETADATA "{box}" /shared/x', "l", "rswip"),
    Case('GETMETADATA "{box}" /private/x', "l", "rswip"),
    Case('SETMETADATA "{box}" (/private/x "1")', "l", "rswip"),
    Case('SETMETADATA "{box}" (/shared/x "1")', "lw"),
    Case('SETMETADATA "{box}" (/private/x "1" /shared/x "1")', "lw"),
    # messages come in
    Case('APPEND "{box}"' + APPENDED, "i"),
    Case('APPEND "{box}" (\\Seen \\Deleted $x)' + APPENDED, "i"),
    Case('APPEND "{box}"' + APPENDED + APPENDED, "i"),
    # messages of others
    Case('APPEND INBOX CATENATE (URL "/{url}/;UID=1")', "r"),
    Case('ESEARCH IN (mailboxes "{box}") ALL', "lr", has_worked=told("ESEARCH", "/{n}")),
    Case('ESEARCH IN (subtree "Other users") ALL', "lr", has_worked=told("ESEARCH", "/{n}")),
    Case('NOTIFY SET STATUS (mailboxes "{box}" (MessageNew MessageExpunge))', "lr", has_worked=told("STATUS", "/{n}")),
    # in the selected mailbox
    Case("FETCH 1 (FLAGS BODY[])", "r", is_selected=True),
    Case("UID FETCH 1 BODY.PEEK[]", "r", is_selected=True),
    Case("SEARCH ALL", "r", is_selected=True),
    Case("STORE 1 +FLAGS (\\Seen)", "rs", is_selected=True),
    Case("STORE 2 -FLAGS (\\Deleted)", "rt", is_selected=True),
    Case("UID STORE 1 +FLAGS.SILENT (\\Flagged)", "rw", is_selected=True),
    Case("STORE 1 +FLAGS ($x)", "rw", is_selected=True),
    Case("STORE 1 FLAGS (\\Seen \\Deleted \\Flagged)", "r", "stw", is_selected=True),
    Case("STORE 1 FLAGS ()", "r", "stw", is_selected=True),
    Case("EXPUNGE", "re", is_selected=True),
    Case("UID EXPUNGE 2", "re", is_selected=True),
    Case("CLOSE", "r", is_selected=True),
    Case("UNSELECT", "r", is_selected=True),
    Case("COPY 1 INBOX", "r", is_selected=True),
    Case("UID MOVE 1 INBOX", "rte", is_selected=True),
    Case('COPY 1 "{box}"', "ri", is_selected=True),
    Case('COPY 1 "{box}/below"', "ri", is_selected=True),
    Case('MOVE 1 "{box}/below"', "rite", is_selected=True),
    Case("REPLACE 1 INBOX" + APPENDED, "rte", is_selected=True),
    Case('UID REPLACE 1 "{box}"' + APPENDED, "rite", is_selected=True),
]

WAYS = ["member", "anyone", "negative"]


async def _box(house: ImapHouse, anna: int, name: str) -> None:
    """With one message, another with \\Deleted, and a mailbox below."""
    box = await house.store.write(mailbox.create, anna, name, "", NOW)
    for flags in (ANSWERED, DELETED):
        await house.store.write(message.append, made_up(), Placing(anna, box, flags), NOW, NOW)


async def _give(house: ImapHouse, anna: int, ben: int, name: str, rights: str, way: str) -> None:
    """On the mailbox and what is made below it."""
    box = (await house.store.read(mailbox.find, anna, name)).id
    bits = parse_rights(rights)
    put = house.store.write
    if way == "negative":
        await put(acl.change_rights, anna, box, ben, Mode.REPLACE, ALL, NOW)
        await put(acl.change_rights, anna, box, ben, Mode.REPLACE, ALL & ~bits, NOW, negative=True)
    else:
        await put(acl.change_rights, anna, box, ben if way == "member" else ANYONE, Mode.REPLACE, bits, NOW)


def _is_enough(case: Case, rights: str) -> bool:
    has_all = case.needs != "never" and set(case.needs) <= set(rights)
    return has_all and (not case.any_of or bool(set(case.any_of) & set(rights)))


async def _play(client: Client, case: Case, box: str) -> tuple[bool, list[str]]:
    if case.is_selected:
        heard = await client.do(f'SELECT "{box}"')
        if not succeeded(heard):
            return False, heard
    name = box.rpartition("/")[2]
    words = {"{box}": box, "{n}": name, "{url}": box.replace(" ", "%20")}
    command = case.command
    for word, value in words.items():
        command = command.replace(word, value)
    heard = await client.do(command)
    if case.has_worked is not succeeded:
        heard = [line.replace(f"/{name}", "/{n}") for line in heard]
    return case.has_worked(heard), heard


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command.partition("\r\n")[0])
async def test_matrix(house: ImapHouse, case: Case, way: str) -> None:
    anna, ben = await house.account(ANNA), await house.account(BEN)
    await house.account(CLEO)
    client = await house.login(BEN)
    without = [LETTERS.replace(letter, "") for letter in LETTERS]
    enough = {case.needs.replace("never", ""), *(case.needs + letter for letter in case.any_of)}
    for n, rights in enumerate([LETTERS, "", *without, *sorted(enough), *(LETTERS if way == "member" else "")]):
        name = f"p{n}"
        await _box(house, anna, name)
        await _give(house, anna, ben, name, rights, way)
        await house.store.write(mailbox.create, anna, f"{name}/below", "", NOW)
        has_worked, heard = await _play(client, case, f"{OTHERS}/{name}")
        assert has_worked == _is_enough(case, rights), (rights, heard)
        if not has_worked and not succeeded(heard):
            assert heard[-1].startswith(_refusals(case, rights)), (rights, heard)
        await client.do("UNSELECT")
    await client.ok("NOTIFY NONE")


def _refusals(case: Case, rights: str) -> tuple[str, ...]:
    """RFC 4314 §6: who may not look it up is told what he would be told if it did not exist."""
    if case.command.startswith("CREATE") or (case.command.startswith("RENAME") and "x" in rights):
        return ("NO [NOPERM]",)  # whatever is above the new name, or is not
    if "{url}" in case.command:
        return ("NO [BADURL",)
    if case.is_selected and "r" in rights:  # he knows of it
        return ("NO [NOPERM]", "NO [READ-ONLY]", "NO [TRYCREATE]")
    if "l" in rights:
        return ("NO [NOPERM]",)
    return ("NO [NONEXISTENT]", "NO [TRYCREATE]")


async def test_a_stranger_hears_the_same_of_what_there_is_and_what_there_is_not(house: ImapHouse) -> None:
    anna = await house.account(ANNA)
    await _box(house, anna, "p")
    client = await house.login(BEN)
    for case in CASES:
        answers = []
        for box in (f"{OTHERS}/p", f"{OTHERS}/q", "Other users/nobody@example.test/p", "Other users/no address/p"):
            _, heard = await _play(client, case, box)
            answers.append([line.replace(box.replace(" ", "%20"), "").replace(box, "") for line in heard])
            await client.do("UNSUBSCRIBE " + f'"{box}"')
        assert answers[0] == answers[1] == answers[2] == answers[3], case


# -- the list itself ---------------------------------------------------------------------------------------------------


async def test_a_list_is_written_and_read(house: ImapHouse) -> None:
    anna = await house.login(ANNA)
    await house.account(BEN)
    assert await anna.ok("GETACL INBOX") == [f"* ACL INBOX {ANNA} lrswipkxtecda"]
    await anna.ok("SETACL INBOX BEN@Example.test lrs")
    await anna.ok("SETACL INBOX ben@example.test +cd")
    await anna.ok("SETACL INBOX anyone l")
    await anna.ok("SETACL INBOX -anyone w")
    await anna.ok("SETACL INBOX -ben@example.test x")
    assert await anna.ok("GETACL INBOX") == [
        f"* ACL INBOX {ANNA} lrswipkxtecda anyone l -anyone w {BEN} lrskxtecd -{BEN} xc"
    ]
    await anna.ok(f"SETACL INBOX {BEN} -sd")
    await anna.ok(f"DELETEACL INBOX -{BEN}")
    await anna.ok("DELETEACL INBOX anyone")
    assert await anna.ok("GETACL INBOX") == [f"* ACL INBOX {ANNA} lrswipkxtecda -anyone w {BEN} lrkxc"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (f"SETACL INBOX {ANNA} lr", "NO [CANNOT]"),
        (f"SETACL INBOX -{ANNA} lr", "NO [CANNOT]"),
        (f"DELETEACL INBOX {ANNA}", "NO [CANNOT]"),
        ("SETACL INBOX nobody@example.org l", "NO [NONEXISTENT]"),
        ("SETACL INBOX fred l", "NO [NONEXISTENT]"),
        ("LISTRIGHTS INBOX fred", "NO [NONEXISTENT]"),
        (f"SETACL None {ANNA} l", "NO [NONEXISTENT]"),
        ("GETACL None", "NO [NONEXISTENT]"),
        (f"SETACL INBOX {ANNA} lq", "BAD"),
        (f'GETACL "{OTHERS}/INBOX"', "NO [NONEXISTENT]"),  # oneself is no other
    ],
)
async def test_what_cannot_be_written(house: ImapHouse, command: str, answer: str) -> None:
    anna = await house.login(ANNA)
    assert (await anna.do(command))[-1].startswith(answer)


async def test_which_rights_there_are(house: ImapHouse) -> None:
    anna = await house.login(ANNA)
    await house.account(BEN)
    assert await anna.ok("LISTRIGHTS INBOX Ben@example.test") == [
        '* LISTRIGHTS INBOX Ben@example.test "" l r s w i p k x t e a c d'
    ]
    assert await anna.ok("LISTRIGHTS INBOX -anyone") == ['* LISTRIGHTS INBOX -anyone "" l r s w i p k x t e a c d']
    assert await anna.ok(f"LISTRIGHTS INBOX {ANNA}") == [f"* LISTRIGHTS INBOX {ANNA} lrswipkxtecda"]
    assert await anna.ok("MYRIGHTS INBOX") == ["* MYRIGHTS INBOX lrswipkxtecda"]


async def test_whoever_administers_gives_on(house: ImapHouse) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    cleo = await house.login(CLEO)
    await anna.ok(f"SETACL INBOX {BEN} la")
    await ben.ok(f'SETACL "{OTHERS}/INBOX" {CLEO} lr')
    await cleo.ok(f'SELECT "{OTHERS}/INBOX"')
    await ben.ok(f'SETACL "{OTHERS}/INBOX" {BEN} -a')
    assert (await ben.do(f'GETACL "{OTHERS}/INBOX"'))[-1].startswith("NO [NOPERM]")
    assert (await ben.do(f'DELETEACL "{OTHERS}/INBOX" {ANNA}'))[-1].startswith("NO [NOPERM]")


async def test_a_list_has_an_end(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "ACL_ENTRIES", 1)
    anna = await house.login(ANNA)
    await house.account(BEN)
    await anna.ok(f"SETACL INBOX {BEN} lr")
    assert (await anna.do("SETACL INBOX anyone l"))[-1] == "NO [LIMIT] Too many of these"
    await anna.ok(f"SETACL INBOX {BEN} +s")


# RFC 4314 §2: what is not the name of an account means what the server says
async def test_nobody_learns_which_addresses_there_are(either: ImapHouse) -> None:
    anna = await either.login(ANNA)
    await either.account(BEN)
    heard = []
    for name in (BEN, CLEO):
        await anna.ok("CREATE p")
        told = [
            await anna.do(command)
            for command in (
                f"SETACL p {name} lrs", f"SETACL p -{name} w", f"SETACL p {name.upper()} -s", f"SETACL p {name} +i",
                "GETACL p", f"LISTRIGHTS p {name}", f"LISTRIGHTS p -{name}", "CREATE p/q", "GETACL p/q", "DELETE p/q",
                f"DELETEACL p {name}", f"DELETEACL p -{name}", f"DELETEACL p {name}", "GETACL p", "DELETE p",
            )
        ]  # fmt: skip
        heard.append([line.replace(name, "*").split(" [MAILBOXID")[0] for lines in told for line in lines])
    assert heard[0] == heard[1]
    assert f"* ACL p {ANNA} lrswipkxtecda * lri -* w" in heard[0]


async def test_rights_hold_once_there_is_somebody(either: ImapHouse) -> None:
    anna = await either.login(ANNA)
    await anna.append("INBOX", MAIL)
    await anna.ok(f"SETACL INBOX {BEN} lr")
    ben = await either.login(BEN)
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    await anna.ok(f"SETACL INBOX {BEN} +s")
    assert "* OK [PERMANENTFLAGS (\\Seen)] Flags that stay" in await ben.ok("NOOP")


# -- anyone --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[ImapHouse]:
    async with imap_house(tmp_path, share_with_anyone=MailSetting().share_with_anyone) as made:  # if nothing is said
        yield made


async def test_where_people_may_not_give_rights_to_anyone(strict: ImapHouse) -> None:
    anna, ben = await strict.login(ANNA), await strict.login(BEN)
    for command in ("SETACL INBOX anyone l", "SETACL INBOX anyone +r"):
        assert (await anna.do(command))[-1] == "NO [NOPERM] Only an administrator gives rights to anyone here"
    assert await anna.ok("LISTRIGHTS INBOX anyone") == ['* LISTRIGHTS INBOX anyone ""']
    assert await anna.ok("LISTRIGHTS INBOX -anyone") == ['* LISTRIGHTS INBOX -anyone "" l r s w i p k x t e a c d']
    await anna.ok("SETACL INBOX -anyone w")
    await anna.ok(f"SETACL INBOX {BEN} lra")
    assert (await ben.do(f'SETACL "{OTHERS}/INBOX" anyone l'))[-1].startswith("NO [NOPERM]")
    assert await anna.ok("GETACL INBOX") == [f"* ACL INBOX {ANNA} lrswipkxtecda -anyone w {BEN} lra"]


async def test_what_an_administrator_gave_to_anyone_holds_and_can_be_taken_away(strict: ImapHouse) -> None:
    anna, ben = await strict.login(ANNA), await strict.login(BEN)
    owner = strict.names.accounts[ANNA]
    await anna.ok("CREATE p")
    box = (await strict.store.read(mailbox.find, owner, "p")).id
    await strict.store.write(acl.change_rights, owner, box, ANYONE, Mode.REPLACE, parse_rights("lrs"), NOW)
    await anna.ok("CREATE p/q")
    await ben.ok(f'SELECT "{OTHERS}/p/q"')  # RFC 4314 §4: it has the rights of what is above
    await anna.ok("SETACL p/q anyone -s")
    await anna.ok("DELETEACL p anyone")
    assert await anna.ok("GETACL p/q") == [f"* ACL p/q {ANNA} lrswipkxtecda anyone lr"]
    assert await anna.ok("GETACL p") == [f"* ACL p {ANNA} lrswipkxtecda"]


# -- flags ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "permanent", "code"),
    [
        ("lr", "", "READ-ONLY"),
        ("lrs", "\\Seen", "READ-ONLY"),  # RFC 4314 §5.2: \\Seen is each one's own
        ("lrt", "\\Deleted", "READ-WRITE"),
        ("lri", "", "READ-WRITE"),
        ("lre", "", "READ-WRITE"),
        ("lrw", "\\Answered \\Flagged \\Draft $Forwarded $MDNSent $Junk $NotJunk $Phishing \\*", "READ-WRITE"),
    ],
)
async def test_what_select_says_may_be_set(house: ImapHouse, rights: str, permanent: str, code: str) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.ok(f"SETACL INBOX {BEN} {rights}")
    heard = await ben.do(f'SELECT "{OTHERS}/INBOX"')
    assert f"* OK [PERMANENTFLAGS ({permanent})] Flags that stay" in heard
    assert heard[-1].startswith(f"OK [{code}]")


async def _flags(client: Client, box: str) -> list[str]:
    await client.ok(f'EXAMINE "{box}"')
    heard = [line for line in await client.ok("FETCH 1:* (FLAGS)") if "FETCH" in line]
    await client.ok("UNSELECT")
    return [line.partition("FLAGS (")[2].rstrip(")").replace(" \\Recent", "").replace("\\Recent", "") for line in heard]


@pytest.mark.parametrize(
    ("rights", "kept"),
    [("lri", ""), ("lrit", "\\Deleted"), ("lriw", "\\Flagged $x"), ("lritw", "\\Flagged \\Deleted $x")],
)
@pytest.mark.parametrize("how", ["APPEND", "COPY", "COPY within"])
async def test_flags_that_may_not_be_set_are_left_out(house: ImapHouse, rights: str, kept: str, how: str) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.ok("CREATE p")
    await anna.ok(f"SETACL p {BEN} {rights}")
    if how == "APPEND":
        await ben.append(f'"{OTHERS}/p"', MAIL, "(\\Flagged \\Deleted $x)")
    elif how == "COPY":
        await ben.append("INBOX", MAIL, "(\\Flagged \\Deleted $x)")
        await ben.ok("SELECT INBOX")
        await ben.ok(f'COPY 1 "{OTHERS}/p"')
    else:
        await anna.ok(f"SETACL INBOX {BEN} lr")
        await anna.append("INBOX", MAIL, "(\\Flagged \\Deleted $x)")
        await ben.ok(f'SELECT "{OTHERS}/INBOX"')
        await ben.ok(f'COPY 1 "{OTHERS}/p"')
    assert await _flags(anna, "p") == [kept]


async def test_a_store_changes_what_it_may(house: ImapHouse) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.append("INBOX", MAIL, "(\\Answered $old)")
    await anna.ok(f"SETACL INBOX {BEN} lrt")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    await ben.ok("STORE 1 FLAGS (\\Deleted \\Flagged $new)")
    assert await _flags(anna, "INBOX") == ["\\Answered \\Deleted $old"]
    await ben.ok("STORE 1 FLAGS ()")
    assert await _flags(anna, "INBOX") == ["\\Answered $old"]
    assert (await ben.do("STORE 1 +FLAGS (\\Flagged $new)"))[-1].startswith("NO [NOPERM]")
    box = (await house.store.read(mailbox.find, house.names.accounts[ANNA], "INBOX")).id
    assert list((await house.store.read(mailbox.keywords, box)).values()) == ["$old"]


async def test_reading_without_the_right_to_mark_is_peeking(house: ImapHouse) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.append("INBOX", MAIL)
    await anna.ok(f"SETACL INBOX {BEN} lrw")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    assert "\\Seen" not in "".join(await ben.ok("FETCH 1 (FLAGS BODY[])"))
    assert await _flags(anna, "INBOX") == [""]


async def test_leaving_without_the_right_to_expunge_just_leaves(house: ImapHouse) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.append("INBOX", MAIL, "(\\Deleted)")
    await anna.ok(f"SETACL INBOX {BEN} lrt")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    await ben.ok("CLOSE")
    assert await _flags(anna, "INBOX") == ["\\Deleted"]


# -- rights that change ----------------------------------------------------------------------------------------------


async def test_rights_are_asked_by_the_write_itself(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bell is needed for that: the client has not heard yet that it has lost them."""
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.ok("CREATE p")
    for _ in range(2):
        await anna.append("INBOX", MAIL, "(\\Deleted)")
    await anna.ok(f"SETACL INBOX {BEN} lrswite")
    await anna.ok(f"SETACL p {BEN} lrswite")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    monkeypatch.setattr("posthaus.store.bell.Bells.ring", lambda self, touched: None)
    for name in ("INBOX", "p"):
        await anna.ok(f"SETACL {name} {BEN} lr")
    for command in (
        "STORE 1 +FLAGS (\\Seen)",
        "EXPUNGE",
        "UID EXPUNGE 1",
        "MOVE 1 INBOX",
        f'COPY 1 "{OTHERS}/p"',
        f'APPEND "{OTHERS}/p"{APPENDED}',
        "REPLACE 1 INBOX" + APPENDED,
    ):
        assert (await ben.do(command))[-1].startswith("NO [NOPERM]"), command
    assert "\\Seen" not in "".join(await ben.ok("FETCH 1 (FLAGS BODY[])"))
    await ben.ok("CLOSE")
    assert await _flags(anna, "INBOX") == ["\\Deleted", "\\Deleted"]
    assert await _flags(anna, "p") == []


async def test_who_may_set_other_flags_now_is_told(house: ImapHouse) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.ok(f"SETACL INBOX {BEN} lrt")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    await anna.ok(f"SETACL INBOX {BEN} lrs")
    assert "* OK [PERMANENTFLAGS (\\Seen)] Flags that stay" in await ben.ok("NOOP")
    await anna.ok(f"SETACL INBOX {BEN} lrsa")  # no flag
    await anna.ok("SETACL INBOX anyone p")


@pytest.mark.parametrize("idles", [False, True])
async def test_who_may_not_read_any_more_is_cut_off(house: ImapHouse, idles: bool) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.ok(f"SETACL INBOX {BEN} lr")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    if idles:
        ben.send(b"i IDLE\r\n")
        assert await ben.hear() == "+ idling"
    await anna.append("INBOX", MAIL)
    if idles:
        assert await ben.hear() == "* 1 EXISTS"
        assert await ben.hear() == "* 1 RECENT"
    await anna.ok(f"DELETEACL INBOX {BEN}")
    await anna.append("INBOX", MAIL)
    if not idles:
        ben.send(b"n NOOP\r\n")
    assert await ben.hear() == "* BYE [NOPERM] The mailbox may not be read any more"
    if not idles:
        assert (await ben.hear()).startswith("n OK")
    await ben.over


async def test_the_last_one_to_hear_of_a_removal_and_a_rename(house: ImapHouse) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN, rev2=True)
    await anna.ok("CREATE p")
    await anna.append("p", MAIL)
    await anna.ok(f"SETACL p {BEN} lrswi")
    await ben.ok(f'SELECT "{OTHERS}/p"')
    await anna.ok("RENAME p q")
    await anna.append("q", MAIL)
    assert "* 2 EXISTS" in await ben.ok("NOOP")
    await ben.ok("STORE 1 +FLAGS (\\Flagged)")
    await anna.ok("DELETE q")
    assert sorted(await ben.ok("NOOP")) == ["* 1 EXPUNGE", "* 2 EXPUNGE"]


async def test_two_members_and_the_owner_see_what_the_others_do(house: ImapHouse) -> None:
    anna = await house.login(ANNA, select="INBOX")
    ben, cleo = await house.login(BEN), await house.login(CLEO)
    await anna.ok("SETACL INBOX anyone lrswite")
    for one in (ben, cleo):
        await one.ok(f'SELECT "{OTHERS}/INBOX"')
    await ben.append(f'"{OTHERS}/INBOX"', MAIL)
    for one in (anna, cleo):
        assert "* 1 EXISTS" in await one.ok("NOOP")
    await cleo.ok("STORE 1 +FLAGS (\\Flagged)")
    for one in (anna, ben):
        assert any("\\Flagged" in line for line in await one.ok("NOOP"))
    await anna.ok("STORE 1 +FLAGS (\\Deleted)")
    await anna.ok("EXPUNGE")
    for one in (ben, cleo):
        assert "* 1 EXPUNGE" in await one.ok("NOOP")
