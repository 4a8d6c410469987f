"""SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS.

An identifier is an address in this house, whether anybody has it or not, for who gives rights does not learn that; or
it is "anyone": all who are here. A dash before it denies. The owner is shown with all rights, and none can be taken
from him. Where an administrator has not allowed it, people can take rights from "anyone" and give it none.

Standards: RFC 4314 §3, §6.
Faults:    NoSuchMailbox, NotAllowed, NoSuchMember; NotPermitted, NotGiven, LimitReached.
"""

from typing import TYPE_CHECKING

from posthaus.flow import access, guarded
from posthaus.flow.access import Access
from posthaus.mail.rights import ADMINISTER, ALL, CREATE, DELETE, GRANTABLE, INSERT, LOOKUP, READ, render_rights
from posthaus.proto.imap import render
from posthaus.proto.imap.command_acl import DeleteAcl, GetAcl, Identifier, ListRights, MyRights, SetAcl
from posthaus.store import account as accounts
from posthaus.store import acl
from posthaus.store.acl import ANYONE, Member, Mode
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_ANY = LOOKUP | READ | INSERT | CREATE | DELETE | ADMINISTER  # RFC 4314 §4: for MYRIGHTS


async def setacl(session: "ImapSession", command: SetAcl) -> None:
    await _change(session, command, Mode(command.sign), command.rights)
    session.ok(command.tag, "SETACL completed")


async def deleteacl(session: "ImapSession", command: DeleteAcl) -> None:
    await _change(session, command, Mode.REPLACE, 0)
    session.ok(command.tag, "DELETEACL completed")


async def _change(session: "ImapSession", command: SetAcl | DeleteAcl, mode: Mode, rights: int) -> None:
    who, whom = session.account, command.identifier
    name = await session.site.store.write(
        guarded.change_rights, who, command.mailbox, whom.name, mode, rights, session.now(),
        negative=whom.is_negative, may_give_all=session.site.share_with_anyone,
    )  # fmt: skip
    session.site.log.event(
        "imap.acl", cid=session.stream.cid, account=who, mailbox=name,
        who=("-" if whom.is_negative else "") + whom.name, rights=mode.value + render_rights(rights),
    )  # fmt: skip


async def getacl(session: "ImapSession", command: GetAcl) -> None:
    name, entries = await session.site.store.read(_get, session.account, command.mailbox)
    await session.send(render.acl(name, entries, utf8=session.engine.utf8))
    session.ok(command.tag, "GETACL completed")


async def _get(tx: Tx, who: int, name: str) -> tuple[str, list[tuple[str, str]]]:
    granted = await _looked_at(tx, who, name, ADMINISTER)
    owner = await accounts.get(tx, granted.account)
    entries = [(owner.address, render_rights(ALL))]
    for one in await acl.of_mailbox(tx, granted.box.id):
        whom = one.address if one.member != ANYONE else access.ANYONE_NAME
        for dash, rights in (("", one.given), ("-", one.denied)):
            if rights:
                entries.append((dash + whom, render_rights(rights)))
    return granted.name, entries


async def listrights(session: "ImapSession", command: ListRights) -> None:
    store = session.site.store
    name, member, owner = await store.read(_rights_for, session.account, command.mailbox, command.identifier)
    may_give = member != ANYONE or command.identifier.is_negative or session.site.share_with_anyone
    required, optional = (render_rights(ALL), ()) if member == owner else ("", GRANTABLE if may_give else ())
    identifier = command.identifier.octets
    session.say(render.list_rights(name, identifier, required, optional, utf8=session.engine.utf8))
    session.ok(command.tag, "LISTRIGHTS completed")


async def _rights_for(tx: Tx, who: int, name: str, whom: Identifier) -> tuple[str, Member, int]:
    """The mailbox's name, for whom its rights are listed, and whose it is."""
    granted = await _looked_at(tx, who, name, ADMINISTER)
    return granted.name, await access.named_by(tx, whom.name), granted.account


async def myrights(session: "ImapSession", command: MyRights) -> None:
    granted = await session.site.store.read(_looked_at, session.account, command.mailbox, 0)
    granted.need_any(_ANY)
    session.say(render.my_rights(granted.name, render_rights(granted.rights), utf8=session.engine.utf8))
    session.ok(command.tag, "MYRIGHTS completed")


async def _looked_at(tx: Tx, who: int, name: str, rights: int) -> Access:
    return (await access.find_at(tx, who, name, rights))[0]
