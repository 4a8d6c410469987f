"""What a port of ours wants: the questions of will that the SMTP session asks.

The engine has answered grammar and order before; a policy says yes or no, and with which reply. One policy serves all
sessions of its port, so it keeps nothing of any of them: that is in Client and Transaction.

Standards: RFC 5321 §3.1 to §3.3 and §7, RFC 6409.
Faults:    a policy may raise Trouble (451, 452) and the store's Refusals; anything else is a defect (421).
"""

from typing import Protocol

from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.envelope import Recipient
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply


class Policy(Protocol):
    """Port 25 and submission are two of these."""

    @property
    def service(self) -> str:
        """For the log, and for Login."""
        ...

    @property
    def offers_auth(self) -> bool: ...

    def offer(self, client: Client, base: Offer) -> Offer:
        """What of the extensions this client may use now, put to what the session itself offers."""
        ...

    async def connect(self, client: Client) -> Reply:
        """The greeting, or a refusal that ends the session."""
        ...

    async def ehlo(self, client: Client) -> Reply: ...

    async def mail(self, transaction: Transaction) -> Reply: ...

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        """A policy that accepts also enters where the recipient leads: transaction.locals."""
        ...

    async def accept(self, transaction: Transaction) -> Reply:
        """The whole message is in transaction.spool. A positive reply is a promise: it is kept."""
        ...
