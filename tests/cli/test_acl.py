"""`posthaus shared` and `posthaus acl`, in this process."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house

from posthaus.cli.opening import with_store
from posthaus.mail.rights import parse_rights
from posthaus.store import account as accounts
from posthaus.store import acl, mailbox
from posthaus.store.store import Store

TEAM = "team@a.test"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(make_house(tmp_path / "house"), capsys)
    for name in ("anna", "ben"):
        shell.add(f"{name}@a.test")
    return shell


def _rights(shell: Shell, *more: str) -> list[tuple[str, ...]]:
    return [tuple(one.values()) for one in json.loads(shell.done("acl", "list", *more, "--json"))]


def test_a_teams_mailbox(shell: Shell) -> None:
    shell.done("shared", "add", TEAM, "--quota", "5 GB", "--messages", "1000")
    [team] = json.loads(shell.done("shared", "list", "--json"))
    assert team == {
        "address": TEAM, "used_octets": 0, "used_messages": 0, "quota_octets": 5 * 1024**3, "quota_messages": 1000,
    }  # fmt: skip
    assert TEAM not in shell.done("account", "list")
    assert "AlreadyExists" not in shell.refused("shared", "add", TEAM)
    assert shell.refused("account", "password", TEAM, "--password-file", str(shell.secret)) == (
        f"{TEAM} is shared: nobody logs in to it"
    )
    shell.done("account", "quota", TEAM, "1 GB")
    assert "1.0 GB" not in shell.done("shared", "list")  # octets, for programs and people
    shell.refused("shared", "remove", "anna@a.test")
    shell.done("shared", "remove", TEAM)
    assert shell.done("shared", "list") == ""


def test_rights_that_wait_are_listed_and_taken_away(shell: Shell) -> None:
    async def promise(store: Store) -> None:
        anna = await store.read(accounts.find, "anna@a.test")
        assert anna is not None
        member, rights = acl.Awaited("cleo@a.test"), parse_rights("lrs")
        await store.write(acl.change_rights, anna.id, anna.inbox, member, acl.Mode.REPLACE, rights, 0)

    with_store(Namespace(folder=shell.folder), promise)
    shell.refused("acl", "set", "anna@a.test", "INBOX", "cleo@a.test", "+w")
    shell.done("acl", "remove", "anna@a.test", "INBOX", "cleo@a.test", "s")
    assert _rights(shell) == [("anna@a.test", "INBOX", "cleo@a.test", "lr")]
    shell.done("acl", "remove", "anna@a.test", "INBOX", "cleo@a.test")
    assert _rights(shell) == []


def test_rights_are_given_and_taken_away(shell: Shell) -> None:
    shell.done("shared", "add", TEAM)
    shell.done("acl", "set", TEAM, "inbox", "Ben@a.test", "lrs")
    shell.done("acl", "set", TEAM, "INBOX", "anna@a.test", "lrswipkxtea")
    shell.done("acl", "set", TEAM, "INBOX", "ben@a.test", "+cd")
    shell.done("acl", "set", TEAM, "INBOX", "anyone", "l")
    shell.done("acl", "set", "--deny", TEAM, "INBOX", "ben@a.test", "a")
    assert _rights(shell) == [
        (TEAM, "INBOX", "anyone", "l"),
        (TEAM, "INBOX", "anna@a.test", "lrswipkxtecda"),
        (TEAM, "INBOX", "ben@a.test", "lrskxtecd"),
        (TEAM, "INBOX", "-ben@a.test", "a"),
    ]
    assert _rights(shell, "anna@a.test") == []
    shell.done("acl", "remove", TEAM, "INBOX", "ben@a.test", "kx")
    shell.done("acl", "remove", "--deny", TEAM, "INBOX", "ben@a.test")
    shell.done("acl", "remove", TEAM, "INBOX", "anyone")
    assert _rights(shell, TEAM) == [
        (TEAM, "INBOX", "anna@a.test", "lrswipkxtecda"),
        (TEAM, "INBOX", "ben@a.test", "lrsted"),
    ]
    assert shell.done("acl", "list").splitlines()[0].split() == ["ADDRESS", "MAILBOX", "WHO", "RIGHTS"]


def test_what_an_own_mailbox_hides_is_said(shell: Shell) -> None:
    async def make(store: Store) -> None:
        ben = await store.read(accounts.find, "ben@a.test")
        assert ben is not None
        with pytest.MonkeyPatch.context() as before:
            before.setattr(mailbox, "OTHERS", "-")  # of before there was the namespace
            await store.write(mailbox.create, ben.id, "Other users", "", 0)

    with_store(Namespace(folder=shell.folder), make)
    code, out, err = shell.run("acl", "set", "anna@a.test", "INBOX", "ben@a.test", "lr")
    assert (code, out) == (0, "")
    assert err == "ben@a.test has a mailbox 'Other users' of his own, which hides this\n"


def test_what_is_refused(shell: Shell) -> None:
    anna = ("anna@a.test", "INBOX")
    assert shell.refused("acl", "set", *anna, "ben@a.test", "lq").startswith("'q' is no right")
    assert shell.refused("acl", "set", *anna, "ben", "l") == "there is no account ben"
    assert shell.refused("acl", "set", "cleo@a.test", "INBOX", "anyone", "l") == "there is no account cleo@a.test"
    assert shell.refused("acl", "set", "anna@a.test", "None", "anyone", "l") == "there is no mailbox None"
    assert shell.refused("acl", "set", *anna, "anna@a.test", "l") == "the owner may do everything"
    assert _rights(shell) == []


def test_the_store_stays_sound(shell: Shell) -> None:
    shell.done("acl", "set", "--below", "anna@a.test", "INBOX", "ben@a.test", "lr")
    shell.done("account", "remove", "ben@a.test")
    assert _rights(shell) == []
    assert json.loads(shell.done("verify", "--json")) == []
