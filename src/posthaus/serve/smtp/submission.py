"""Submission: mail from our own people, who have logged in, and from trusted networks.

The reverse-path and the author must be addresses of the account, aliases that lead to it, or what an admin has given
it. From a trusted network no log-in is needed, but the reverse-path must be of a domain of ours; where it is null, the
author must. The network is judged by the client's own address, which behind a load balancer its PROXY header tells.
Date and Message-ID are added where they are missing, Bcc is dropped. All else is as on port 25, which does the
delivering.

Standards: RFC 6409 §4.3, §6.1, §8, RFC 8314 §3.3, RFC 4954 §6.
Faults:    those of the store and of flow/deliver.py.
"""

from posthaus.base import limit
from posthaus.flow import submit
from posthaus.flow.identity import Identity
from posthaus.flow.route import Here, may_write_as
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool, spool_of
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.address import Address
from posthaus.mail.envelope import Recipient
from posthaus.mail.header import head_end, read_header
from posthaus.net.peer import Networks
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply
from posthaus.serve.smtp.mx import MxPolicy
from posthaus.store import directory
from posthaus.store.tx import Tx

_MESSAGE_ID_LETTERS = 26  # 130 bits


NOBODY = Networks(())


class SubmissionPolicy:
    """The policy of ports 587 and 465."""

    service = "submission"
    offers_auth = True

    def __init__(self, site: Site, here: Here, trusted: Networks = NOBODY) -> None:
        self._inner = MxPolicy(site, here)
        self._trusted = trusted
        self._site = site
        self._here = here

    def offer(self, client: Client, base: Offer) -> Offer:
        return self._inner.offer(client, base)

    async def connect(self, client: Client) -> Reply:
        return reply.greeting(self._here.hostname)

    async def ehlo(self, client: Client) -> Reply:
        return reply.OK

    async def mail(self, transaction: Transaction) -> Reply:
        client = transaction.client
        if client.identity is None and client.peer.address not in self._trusted:
            return reply.AUTH_REQUIRED
        path = transaction.envelope.reverse_path
        # The null reverse-path is for notifications (RFC 8098 §2.1); their author is asked for all the same.
        if path is None or await self._may_write_as((path,), client.identity):
            return await self._inner.mail(transaction)
        self._refused(transaction, "reverse-path", path)
        return reply.NOT_OUR_DOMAIN if client.identity is None else reply.NOT_YOUR_ADDRESS

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        answer = await self._inner.rcpt(transaction, recipient)
        return reply.SENDING_NOT_CONFIGURED if answer is reply.RELAYING_DENIED else answer

    async def accept(self, transaction: Transaction) -> Reply:
        spool, identity = transaction.spool, transaction.client.identity
        if spool is None:
            return reply.CANNOT_NOW
        octets = await spool.octets()
        # Cut at a fixed size first, so that a message that is one huge header is not looked through.
        head = bytes(octets[: limit.HEADER_OCTETS])
        head = head[: head_end(head)]
        header = read_header(head)
        found = submit.authors(header)
        if found is None:
            self._refused(transaction, "no-author", None)
            return reply.NO_AUTHOR
        is_vouched = identity is None and transaction.envelope.reverse_path is not None
        if not is_vouched and not await self._may_write_as(found, identity):
            self._refused(transaction, "author", found[0])
            return reply.NOT_OUR_DOMAIN if identity is None else reply.NOT_YOUR_AUTHOR
        message_id = f"{self._site.chance.name(_MESSAGE_ID_LETTERS)}@{self._here.hostname}"
        fit = submit.make_fit(header, at=int(transaction.at), message_id=message_id)
        if fit is not None:
            await self._replace(transaction, spool, octets, fit, len(head))
        return await self._inner.accept(transaction)

    async def _replace(
        self,
        transaction: Transaction,
        old: Spool,
        octets: bytes | memoryview,
        fit: tuple[bytes, bytes],
        head_octets: int,
    ) -> None:
        """Another header on the same body; the header as it came is not kept."""
        transaction.spool = await spool_of(self._site.spool_folder, *fit, memoryview(octets)[head_octets:])
        old.close()

    async def _may_write_as(self, addresses: tuple[Address, ...], identity: Identity | None) -> bool:
        account_id = None if identity is None else identity.account_id
        return await self._site.store.read(_may_write_as_all, addresses, account_id, self._here)

    def _refused(self, transaction: Transaction, why: str, address: Address | None) -> None:
        self._site.log.event(
            "smtp.submission-refused", cid=transaction.client.cid, tid=transaction.tid, why=why, address=address
        )


async def _may_write_as_all(tx: Tx, addresses: tuple[Address, ...], account_id: int | None, here: Here) -> bool:
    """account_id None: a trusted network, which may write as every address of our domains."""
    for address in addresses:
        if account_id is None:
            is_allowed = await directory.domain_exists(tx, address.domain)
        else:
            is_allowed = await may_write_as(tx, address, account_id, here)
        if not is_allowed:
            return False
    return True
