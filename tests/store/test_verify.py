"""The question whether the store is sound: each way to be unsound has its words."""

import pytest

from posthaus.flow.undelete import catch_up
from posthaus.mail.rights import LOOKUP
from posthaus.store import acl, annotation, flag, mailbox, message
from posthaus.store.acl import Mode
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.store.verify import verify
from posthaus.testing.storehouse import NOW, made_up, person

BREAKS = [
    ("UPDATE mailbox SET total=total+1", "a mailbox counts other messages"),
    ("UPDATE mailbox SET unseen=unseen+1", "a mailbox counts other unseen"),
    ("UPDATE mailbox SET deleted=deleted+1", "a mailbox counts other deleted"),
    ("UPDATE mailbox SET size=size+1", "a mailbox counts other octets"),
    ("UPDATE mailbox SET uidnext=1", "a UID is not below UIDNEXT"),
    ("UPDATE mailbox SET unseen_from=99", "an unseen message lies below"),
    ("UPDATE mailbox SET modseq=0", "a placement is later"),
    ("UPDATE account SET modseq=0", "a mailbox is later than its account"),
    ("UPDATE account SET uidvalidity=0", "a UIDVALIDITY is later"),
    ("UPDATE account SET used_octets=used_octets+1", "an account's quota counts"),
    ("UPDATE account SET inbox=0", "an account has no INBOX"),
    ("UPDATE placement SET message=4711", "a placement names no message"),
    ("UPDATE placement SET size=size+1", "a placement has another size"),
    ("UPDATE placement SET flags=4611686018427387904", "a placement has a keyword"),
    ("UPDATE email SET live=live+1", "an account holds a message another number of times"),
    ("DELETE FROM email", "a mailbox has a message that its account does not hold"),
    ("DELETE FROM email", "a message is held by no account"),
    ("UPDATE message SET size=size+1", "a message's size is not that"),
    ("UPDATE blob SET head=body", "a message's header has another size"),
    ("UPDATE blob SET body=head", "an unpacked body has another size"),
    ("UPDATE blob SET names=names+1", "a blob counts other messages and parcels"),
    ("UPDATE blob SET names=0", "a blob is named by no message and no parcel"),
    ("DELETE FROM blob", "a message's octets are missing"),
    ("DELETE FROM gone", "a mailbox's bitmaps say"),
    ("UPDATE mailbox SET special_use='x'", "two mailboxes of an account have the same special use"),
    ("UPDATE mailbox SET uidvalidity=7", "two mailboxes of an account have the same UIDVALIDITY"),
    ("UPDATE email SET gone_at=0, live=1 WHERE live=0", "a view of deleted messages shows one that its account holds"),
    ("UPDATE lost SET uid=uid+1", "a lost message is not in the view"),
    ("DELETE FROM lost", "a view of deleted messages has one of which nobody knows"),
    ("UPDATE mailbox SET state=3", "an account has two views"),
    ("UPDATE acl SET mailbox=4711", "an access control list is of no mailbox"),
    ("UPDATE acl SET member=4711", "an access control list names its owner, or nobody"),
    ("UPDATE acl SET member=(SELECT min(id) FROM account)", "an access control list names its owner, or nobody"),
    ("UPDATE acl SET given=0", "an access control list has an entry that says nothing"),
    ("UPDATE acl SET denied=2048", "an access control list has an entry that says nothing"),
    ("UPDATE annotation SET member=4711", "somebody's annotation is of no account"),
    ("UPDATE change SET modseq=modseq+1000", "a change is later than its account"),
    ("UPDATE seen SET mailbox=4711", "\\Seen of a member is of no mailbox"),
    (
        "UPDATE seen SET member=(SELECT account FROM mailbox WHERE id=seen.mailbox)",
        "\\Seen of a member is of no mailbox, or the owner's",
    ),
    ("UPDATE seen SET chunk=1", "a member has seen a UID that was never given out"),
]


class Undo(Exception):
    pass


async def _break(tx: Tx, sql: str, found: list[str]) -> None:
    await tx.run(sql)
    found += await verify(tx)
    raise Undo


@pytest.mark.parametrize(("sql", "words"), BREAKS)
async def test_each_fault_has_its_words(store: Store, sql: str, words: str) -> None:
    anna = await person(store, "anna")
    for _ in range(3):
        await store.write(message.append, made_up(), Placing(anna.id, anna.inbox, 0, ("k",)), NOW, NOW)
    await store.write(mailbox.create, anna.id, "Other", "", NOW)
    await store.write(flag.store, anna.id, anna.inbox, [(1, 1)], flag.Edit(flag.Mode.ADD, 1), NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(2, 2)], NOW, only_deleted=False)
    await catch_up(store, anna.id, NOW)
    ben = await person(store, "ben")
    await store.write(acl.change_rights, anna.id, anna.inbox, ben.id, Mode.REPLACE, LOOKUP, NOW)
    await store.write(annotation.put, anna.id, anna.inbox, {"/private/x": b"1"}, member=ben.id)
    await store.write(flag.store, anna.id, anna.inbox, [(1, 3)], flag.Edit(flag.Mode.ADD, 1), NOW, member=ben.id)
    assert await store.read(verify) == []
    found: list[str] = []
    with pytest.raises(Undo):
        await store.write(_break, sql, found)
    assert any(line.startswith(words) for line in found), found
