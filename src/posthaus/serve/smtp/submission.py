"""Submission: mail from our own people, who have logged in.

The reverse-path and the author must be addresses of the account, or aliases that lead to it. Date and Message-ID are
added where they are missing, Bcc is dropped. All else is as on port 25, which does the delivering.

Standards: RFC 6409 §4.3, §6.1, §8, RFC 8314 §3.3, RFC 4954 §6.
Faults:    those of the store and of flow/deliver.py.
"""

from posthaus.base import limit
from posthaus.flow import submit
from posthaus.flow.route import Here, is_own
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool, spool_of
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.address import Address
from posthaus.mail.envelope import Recipient
from posthaus.mail.header import head_end, read_header
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.serve.smtp.mx import MxPolicy
from posthaus.store.tx import Tx

_MESSAGE_ID_LETTERS = 26  # 130 bits


class SubmissionPolicy:
    """The policy of ports 587 and 465."""

    service = "submission"
    offers_auth = True

    def __init__(self, site: Site, here: Here) -> None:
        self._inner = MxPolicy(site, here)
        self._site = site
        self._here = here

    async def connect(self, client: Client) -> Reply:
        return reply.greeting(self._here.hostname)

    async def ehlo(self, client: Client) -> Reply:
        return reply.OK

    async def mail(self, transaction: Transaction) -> Reply:
        identity = transaction.client.identity
        if identity is None:
            return reply.AUTH_REQUIRED
        path = transaction.envelope.reverse_path
        # The null reverse-path is for notifications (RFC 8098 §2.1); their author is asked for all the same.
        if path is None or await self._are_own((path,), identity.account_id):
            return reply.SENDER_OK
        self._refused(transaction, "reverse-path", path)
        return reply.NOT_YOUR_ADDRESS

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        answer = await self._inner.rcpt(transaction, recipient)
        return reply.SENDING_NOT_CONFIGURED if answer is reply.RELAYING_DENIED else answer

    async def accept(self, transaction: Transaction) -> Reply:
        spool, identity = transaction.spool, transaction.client.identity
        if spool is None or identity is None:
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
        if not await self._are_own(found, identity.account_id):
            self._refused(transaction, "author", found[0])
            return reply.NOT_YOUR_AUTHOR
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

    async def _are_own(self, addresses: tuple[Address, ...], account_id: int) -> bool:
        return await self._site.store.read(_all_own, addresses, account_id, self._here)

    def _refused(self, transaction: Transaction, why: str, address: Address | None) -> None:
        self._site.log.event(
            "smtp.submission-refused", cid=transaction.client.cid, tid=transaction.tid, why=why, address=address
        )


async def _all_own(tx: Tx, addresses: tuple[Address, ...], account_id: int, here: Here) -> bool:
    for address in addresses:
        if not await is_own(tx, address, account_id, here):
            return False
    return True
