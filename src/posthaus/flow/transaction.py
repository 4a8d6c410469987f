"""A mail transaction: MAIL to the end of data, and the client who speaks it.

Client lives as long as its session, Transaction as long as RFC 5321 §3.3 says; it is dropped at the 250. These two are
the only mutable values on the message's way.

Standards: RFC 5321 §3.3 and §4.4, RFC 3848.
Faults:    none.
"""

from dataclasses import dataclass, field

from posthaus.base.chance import Chance, number
from posthaus.base.value import value
from posthaus.flow.allowance import Allowance
from posthaus.flow.identity import Identity
from posthaus.flow.route import Local
from posthaus.flow.spool import Spool
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.net.peer import Peer, TlsState

_TIME_LETTERS, _CHANCE_LETTERS = 6, 6


def make_tid(chance: Chance, now: float) -> str:
    """Names a message. Milliseconds come first, round and round in twelve days: what is recorded of messages that
    come one after the other lies together, and a commit of several writes to few pages."""
    return number(int(now * 1_000), _TIME_LETTERS) + chance.name(_CHANCE_LETTERS)


@dataclass(slots=True)
class Client:
    """What is known of the other end."""

    peer: Peer
    cid: str
    name: str = ""  # what EHLO said
    esmtp: bool = False
    lmtp: bool = False
    tls: TlsState | None = None
    identity: Identity | None = None
    reverse: str = ""  # host name by a confirmed reverse look-up


@value
class Outward:
    """A recipient in another domain, as the next host is to hear of it. `via` is the alias of ours that leads there."""

    recipient: Recipient
    via: Address | None = None


@dataclass(slots=True)
class Transaction:
    """One message on its way in."""

    tid: str
    client: Client
    envelope: Envelope
    at: float  # Unix time of MAIL
    recipients: list[Recipient] = field(default_factory=list)
    locals: dict[int, Local] = field(default_factory=dict)  # by account: one placing each, however often it was named
    asked: dict[int, Recipient] = field(default_factory=dict)  # by account: the RCPT that led there
    outward: dict[str, Outward] = field(default_factory=dict)  # by address: each once
    spool: Spool | None = None
    author: Address | None = None  # submission: whose domain signs
    blind: bytes = b""  # submission: the Bcc fields that were dropped, for the author's own copy
    trusted: str = ""  # submission without log-in: the client's address, as it is counted
    vouched: Address | None = None  # submission: the reverse-path, which is the client's to write as
    has_copy: bool = False  # submission: the account wants a copy in its Sent
    allowance: Allowance | None = None  # submission: what the account may still send, since its first such RCPT

    @property
    def protocol(self) -> str:
        """The keyword of the Received field."""
        client = self.client
        return trace.protocol(
            esmtp=client.esmtp,
            lmtp=client.lmtp,
            tls=client.tls is not None,
            auth=client.identity is not None,
            smtputf8=self.envelope.smtputf8,
        )

    @property
    def account_id(self) -> int:
        """Who submits it; 0: nobody of ours."""
        identity = self.client.identity
        return 0 if identity is None else identity.account_id

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()
            self.spool = None
